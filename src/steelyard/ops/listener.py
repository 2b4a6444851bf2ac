"""A receiver of callbacks that prints what arrives."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable

import msgspec
from aiohttp import web

from steelyard.callbacks.sign import is_signed
from steelyard.errors import InvalidRequest

Say = Callable[[str], None]


async def serve(
    host: str,
    port: int,
    *,
    secret: str | None,
    auth_key: str | None,
    answer: int,
    brief: bool,
    say: Say,
    stop: asyncio.Event | None = None,
) -> None:
    """Receives until `stop`, or for ever. `secret` and `auth_key` None: nothing is checked. Raises InvalidRequest for a port that is taken."""

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        say(_about(request, headers, body, secret, auth_key))
        if not brief:
            say(_pretty(body))
        return web.Response(status=answer, text="Received by steelyard callbacks listen.\n")

    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as e:
        await runner.cleanup()
        raise InvalidRequest(f"Cannot listen on {host}:{port}: {e.strerror}; try another --port.") from None
    try:
        bound = runner.addresses[0][1]
        say(f"Listening on http://{host}:{bound}/ (Ctrl-C ends it)")
        await (stop or asyncio.Event()).wait()
    finally:
        await runner.cleanup()


def _about(
    request: web.Request, headers: dict[str, str], body: bytes, secret: str | None, auth_key: str | None
) -> str:
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        told = None
    what = "something that is not JSON"
    if isinstance(told, dict):
        what = f"{told.get('task_id') or told.get('batch') or '?'} {told.get('status') or ''}".strip()
    parts = [headers.get("webhook-id", "-"), request.path, what, f"{len(body)} bytes"]
    if secret is not None:
        parts.append("signature good" if is_signed(secret, headers, body) else "SIGNATURE BAD")
    if auth_key is not None:
        given = headers.get("scale-callback-auth", "").encode()
        parts.append("auth good" if hmac.compare_digest(given, auth_key.encode()) else "AUTH BAD")
    return "  ".join(parts)


def _pretty(body: bytes) -> str:
    try:
        return msgspec.json.format(body).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[:10_000].decode("utf-8", "replace")
