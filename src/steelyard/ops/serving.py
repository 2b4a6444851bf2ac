"""What one child process does: answer requests, or do jobs, until it is asked to stop; then finish what it has begun."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Generator

import uvicorn
import uvloop

from steelyard import log
from steelyard.settings import Settings


class _Server(uvicorn.Server):
    """Uvicorn's server, stopped by us: its own handling ends the process by the signal, which looks like a crash."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def run_server(settings: Settings, listen_fd: int, parent: int | None) -> None:
    """Serve HTTP from an inherited listening socket. On SIGTERM or SIGINT: accept no more, finish requests in flight."""
    from steelyard.app import create_app

    log.setup(settings, f"server-{settings.shard}")
    config = uvicorn.Config(
        create_app(settings),
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=75,  # longer than the idle time of usual proxies, who would otherwise meet closed connections
        timeout_graceful_shutdown=settings.drain_seconds,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    server = _Server(config)

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    async def main() -> None:
        with _until_told(stop, parent):
            await server.serve(sockets=[socket.socket(fileno=listen_fd)])

    uvloop.run(main())


def run_worker(settings: Settings, parent: int | None) -> None:
    """Do jobs. On SIGTERM or SIGINT: claim no more, finish those begun."""
    from steelyard import app

    log.setup(settings, "worker")

    async def main() -> None:
        stop = asyncio.Event()
        with _until_told(stop.set, parent):
            await app.run_worker(settings, stop)

    uvloop.run(main())


@contextlib.contextmanager
def _until_told(stop: Callable[[], None], parent: int | None) -> Generator[None, None, None]:
    """Call `stop` on SIGTERM, on SIGINT, and when `parent`, the process that looks after us, is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)

    async def watch_parent() -> None:
        # Linux tells us by SIGTERM (see supervisor.py); elsewhere nobody does.
        while os.getppid() == parent:  # noqa: ASYNC110  # another process sets no event of ours
            await asyncio.sleep(1)
        stop()

    watching = loop.create_task(watch_parent()) if parent is not None else None
    try:
        yield
    finally:
        if watching is not None:
            watching.cancel()
