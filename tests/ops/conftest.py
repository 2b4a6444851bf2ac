"""The application behind a real HTTP server, for commands that talk to one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator

import pytest
import uvicorn

from steelyard.http.asgi import App
from steelyard.net.operator import Server, server
from steelyard.ops.serving import Server as HttpServer
from tests.conftest import Keys


@pytest.fixture
async def url(app: App) -> AsyncGenerator[str]:
    """The application behind a real HTTP server on a free port."""
    config = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None
    )
    http = HttpServer(config)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        task = asyncio.create_task(http.serve(sockets=[sock]))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        http.should_exit = True
        await task


@pytest.fixture
async def here(url: str, keys: Keys) -> AsyncGenerator[Server]:
    async with server(url, keys.live) as opened:
        yield opened
