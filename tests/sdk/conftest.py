"""The official client against real `steelyard serve` and `steelyard worker` processes on the run's PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import asyncpg
import msgspec
import pytest
import requests
from scaleapi import ScaleClient

from steelyard.settings import Settings
from tests.conftest import Keys, Template

STARTUP_S = 60
PHOTOS = Path(__file__).parents[2] / "examples" / "photos"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "covers(*names): public names of the official client that this test proves (docs/compatibility.md)",
    )


@dataclass
class Process:
    """A `steelyard` command that runs, and what it has printed."""

    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list[str])
    told: Queue[str] = field(default_factory=Queue[str])

    def wait_for(self, pattern: str) -> str:
        """The first text in its output that matches `pattern`."""
        while True:
            try:
                line = self.told.get(timeout=STARTUP_S)
            except Empty:
                line = None
            if not line:
                raise AssertionError(f"{pattern!r} was not printed:\n" + "".join(self.lines))
            if found := re.search(pattern, line):
                return found[0]

    def stop(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        assert self.popen.stdout is not None
        self.popen.stdout.close()


def steelyard(settings: Settings, *arguments: str) -> Process:
    """Starts `steelyard <arguments>` with these settings and nothing else of ours in its environment."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("STEELYARD_")} | settings.to_env()
    popen = subprocess.Popen(
        [sys.executable, "-m", "steelyard", *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    process = Process(popen)

    def read() -> None:
        assert popen.stdout is not None
        with contextlib.suppress(ValueError):  # closed by stop()
            for line in popen.stdout:
                process.lines.append(line)
                process.told.put(line)
        process.told.put("")  # it ended

    threading.Thread(target=read, daemon=True).start()
    return process


class Client(ScaleClient):
    """The official client, with the address of a photograph that the installation can fetch."""

    photo: str


@dataclass(frozen=True)
class Server:
    """A running installation. `url` and `photos`, a customer's file server, are addresses without a slash at the end."""

    url: str
    photos: str
    keys: Keys
    settings: Settings
    processes: tuple[Process, ...]

    @property
    def log(self) -> str:
        """What the processes have logged last."""
        return "".join(line for process in self.processes for line in process.lines[-40:])

    @property
    def v1(self) -> str:
        """The base address that the official client takes."""
        return self.url + "/v1"

    def client(self, key: str, base: str | None = None, **more: Any) -> Client:
        """The official client with a key."""
        client = Client(key, api_instance_url=base or self.v1, **more)
        client.photo = self.photos + "/coffee.jpg"
        return client

    def call(self, method: str, path: str, key: str | None = None, **more: Any) -> requests.Response:
        """A plain request, for what the official client has no method for."""
        auth = (self.keys.live if key is None else key, "")
        return requests.request(method, self.url + path, auth=auth, timeout=30, **more)

    def claim(self, task_id: str) -> str:
        """Claims a live task as a contributor, once its attachments are fetched; the lease token."""
        deadline = time.monotonic() + 60
        while True:
            claimed = self.call("POST", "/api/work/claim", json={"task_id": task_id})
            assert claimed.status_code == 200, claimed.text
            if token := claimed.json()["lease_token"]:
                return token
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"not offered: {self.call('GET', f'/v1/task/{task_id}').text}\n{self.log}"
                )
            time.sleep(0.05)

    def complete(self, task_id: str, response: dict[str, Any]) -> None:
        """Does the work of a live task the way a contributor does."""
        done = self.call("POST", f"/api/work/{self.claim(task_id)}/submit", json={"response": response})
        assert done.status_code == 200, done.text


def eventually(holds: Callable[[], object], within_s: float = 20) -> None:
    """Waits for what a worker does soon after; the last try's failure is shown."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            assert holds()
            return
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


@contextlib.contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Generator[str]:
    """An HTTP server on a port of its own until the block ends; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@contextlib.contextmanager
def running(dsn: str, keys: Keys, folder: Path, **more: Any) -> Generator[Server]:
    """`steelyard serve` and `steelyard worker` on a database, until the block ends."""
    usual: dict[str, Any] = {
        "db_pool_size": 6,
        "workers": 2,
        "allow_networks": ("127.0.0.0/8", "::1/128"),
        "log_level": "warning",
    }
    settings = Settings(data_dir=folder, database_url=dsn, port=0, **{**usual, **more})
    server = steelyard(settings, "serve")
    worker = None
    try:
        # Links in answers carry the address that the serving process chose; the worker must name the same one.
        url = server.wait_for(r"https?://\S+")
        port = int(url.rsplit(":", 1)[1])
        settings = msgspec.structs.replace(settings, port=port)
        worker = steelyard(settings, "worker")
        with serving(partial(_Files, directory=str(PHOTOS))) as photos:
            yield Server(url, photos, keys, settings, (server, worker))
        assert server.popen.poll() is None, "the server ended during the tests:\n" + "".join(server.lines)
        assert worker.popen.poll() is None, "the worker ended during the tests:\n" + "".join(worker.lines)
    finally:
        server.stop()
        if worker is not None:
            worker.stop()


@contextlib.asynccontextmanager
async def cloned_database(template: Template, prefix: str) -> AsyncGenerator[str]:
    """The DSN of a copy of the template that lives until the block ends."""
    name = f"{prefix}_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(template.dsn)
    try:
        await connection.execute(f"create database {name} template {template.name} strategy file_copy")
        head, _, query = template.dsn.partition("?")
        yield head.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")
        await connection.execute(f"drop database {name} with (force)")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def sdk_dsn(template: Template) -> AsyncGenerator[str]:
    """The database that all SDK tests share: names in it are random, counts are asserted per project or batch."""
    async with cloned_database(template, "sdk") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def server(sdk_dsn: str, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """The installation that the SDK tests share."""
    with running(sdk_dsn, template.keys, tmp_path_factory.mktemp("sdk")) as up:
        yield up


@pytest.fixture(scope="session")
def live_client(server: Server) -> Client:
    """The official client with the first account's live key."""
    return server.client(server.keys.live)


@pytest.fixture(scope="session")
def test_client(server: Server) -> Client:
    """The official client with the first account's test key."""
    return server.client(server.keys.test)


@pytest.fixture(scope="session")
def other_client(server: Server) -> Client:
    """The official client with the second account's live key."""
    return server.client(server.keys.other_live)


@dataclass
class Receiver:
    """An HTTP server of the customer's that keeps what is posted to it."""

    url: str
    got: Queue[tuple[dict[str, str], dict[str, Any]]]

    def next(self, timeout_s: float = 20) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers (names in lower case) and body of the next callback."""
        try:
            return self.got.get(timeout=timeout_s)
        except Empty:
            raise AssertionError(f"no callback within {timeout_s} s") from None


@pytest.fixture
def receiver() -> Generator[Receiver]:
    """Takes callbacks on a port of its own."""
    got: Queue[tuple[dict[str, str], dict[str, Any]]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.put(({k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    with serving(Handler) as url:
        yield Receiver(url + "/callback", got)


Namer = Callable[[str], str]


@pytest.fixture
def fresh() -> Namer:
    """Makes names that no other test uses."""
    return lambda what: f"{what} {secrets.token_hex(4)}"
