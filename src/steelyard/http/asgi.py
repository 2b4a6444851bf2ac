"""The application: one function from scope to answer, in this order: route, access, body, handler, error, metrics.

Starlette serves streaming answers and multipart bodies; routing is our own because names stand percent-encoded in paths and must not be
split at an encoded slash, and because the hot routes gain a fifth without a framework in front of them.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from steelyard.ctx import Ctx
from steelyard.errors import (
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    SteelyardError,
    TooLarge,
    Unauthorized,
)
from steelyard.http import binding, idempotency
from steelyard.http.auth import actor_of_key, authenticate, check_access, known_actor
from steelyard.http.errors import render, render_crash
from steelyard.http.metrics import Metrics
from steelyard.http.protocol import EXCHANGE, Exchange
from steelyard.http.route import Call, Outcome, Reply, Route, Router, Surface
from steelyard.http.web import NO_PAGE, in_browser
from steelyard.ids import secret_token

Opener = Callable[[], Awaitable[Ctx]]

_CUT_OFF = "The client went away before the whole body arrived."
_JSON = b"application/json"
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_PLAIN_HEAD = b"".join(
    b"%b: %b\r\n" % header for header in [(b"content-type", _JSON), (b"content-length", b"%d"), *_SECURITY]
)


class App:
    """The ASGI application. `open_ctx` builds the process's Ctx at start-up, `close_ctx` ends it after the last request."""

    def __init__(
        self,
        routes: Iterable[Route],
        open_ctx: Opener,
        close_ctx: Callable[[Ctx], Awaitable[None]],
        max_body_bytes: int,
    ):
        self.router = Router(routes)
        self._open, self._close = open_ctx, close_ctx
        self._max_body = max_body_bytes
        self._binders = {
            id(r): binding.QueryBinder(r.query) for r in self.router.routes if r.query is not None
        }
        self._arrays = {id(r) for r in self.router.routes if binding.is_list(r.body)}
        self.ctx: Ctx | None = None
        self.metrics = Metrics()
        self._sending: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            self.ctx = await self._open()
        except Exception as e:
            await send({"type": "lifespan.startup.failed", "message": f"{type(e).__name__}: {e}"})
            return
        self.ctx.state["app"] = self
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.metrics.flush()
        await self._close(self.ctx)
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Any, receive: Any, send: Any) -> None:
        ctx = self.ctx
        if ctx is None:
            raise RuntimeError("the application was not started (no lifespan)")
        started = time.perf_counter()
        raw_path: bytes = (scope.get("raw_path") or scope["path"].encode()).split(b"?", 1)[0]
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route, path, allowed = self.router.find(raw_path, method)
        surface: Surface = route.surface if route is not None else _surface(raw_path)
        if route is None and not allowed and surface == "public" and in_browser(scope):
            route = NO_PAGE
        call = None if route is None else Call(ctx, route, scope, receive, send, path)
        try:
            if call is None:
                reply = await self._no_route(ctx, scope, surface, allowed)
            else:
                reply = await self._serve(call)
        except Exception as e:
            reply = _failed(ctx, scope, surface, e)
        added = call.answer_headers if call is not None else []
        if isinstance(reply, Response):
            for key, value in _SECURITY:
                reply.headers.setdefault(key.decode(), value.decode())
            for key, value in added:
                reply.headers.append(key, value)
            await reply(scope, receive, send)
            status = reply.status_code
        else:
            status = reply.status
            await _send(scope, send, reply, added)
        self.metrics.observe(
            method, route.path if route else "unknown", status, time.perf_counter() - started
        )

    def begin(self, exchange: Exchange) -> bool:
        """Answers a request by its route's `at_once`, without a task of the event loop. False: the request is to be served as all are;
        that way finds again, and tells, whatever was wrong with it."""
        ctx = self.ctx
        found = self.router.known(exchange.raw_path, exchange.method)
        if ctx is None or found is None or ctx.settings.rate_limit is not None:
            return False
        started = time.perf_counter()
        route, path = found
        at_once = route.at_once
        if at_once is None:
            return False
        try:
            headers = dict(exchange.headers)
            actor = known_actor(ctx, headers.get(b"authorization", b""))
            if actor is None or len(exchange.body) > self._max_body:
                return False
            check_access(actor, route.access, safe=False)
            raw = binding.json_body(bytes(exchange.body), headers.get(b"content-type"), empty=b"{}")
            body = binding.decode(route.decoder, raw)
            tell = partial(self._conclude, exchange, route, started)
            return at_once(ctx, actor, path, headers, body, tell)
        except Exception:
            return False

    def _conclude(self, exchange: Exchange, route: Route, started: float, outcome: Outcome) -> None:
        """Sends what `at_once` came to. It is the end of a chain of callbacks: nothing may be raised into it."""
        try:
            if outcome is None:
                exchange.start()
                return
            status = route.status
            if isinstance(outcome, Exception) or not exchange.answer(
                status, _PLAIN_HEAD % len(outcome), outcome
            ):
                assert self.ctx is not None
                if isinstance(outcome, Exception):
                    reply = _failed(self.ctx, exchange.scope, route.surface, outcome)
                else:
                    reply = Reply(outcome, status)
                status = reply.status
                sending = asyncio.ensure_future(_send(exchange.scope, exchange.send, reply, ()))
                self._sending.add(sending)
                sending.add_done_callback(self._sending.discard)
            self.metrics.observe("POST", route.path, status, time.perf_counter() - started)
        except Exception as e:
            if self.ctx is not None:
                self.ctx.log.error("answer not sent", path=route.path, error=f"{type(e).__name__}: {e}")
            exchange.transport.close()

    async def _no_route(self, ctx: Ctx, scope: Any, surface: Surface, allowed: tuple[str, ...]) -> Reply:
        if surface == "v1":  # an unknown key learns nothing, not even which routes exist
            header = dict(scope["headers"]).get(b"authorization")
            if header is None:
                raise Unauthorized("A valid API key is required.")
            await actor_of_key(ctx, header)
        if allowed:
            names = ", ".join(sorted(set(allowed)))
            raise MethodNotAllowed(f"This address takes {names}.", headers={"Allow": names})
        raise NotFound("Not found.")

    async def _serve(self, call: Call) -> Reply | Response:
        route = call.route
        if route.access.roles:
            await authenticate(call, route.access)
        binder = self._binders.get(id(route))
        if binder is not None:
            call.query = binder.bind(call.scope["query_string"])
        if route.decoder is not None:
            wants_array = id(route) in self._arrays
            raw = await read_body(call, self._max_body)
            call.raw = binding.json_body(
                raw, call.header(b"content-type"), empty=b"[]" if wants_array else b"{}"
            )
            if route.idempotent and call.header(b"idempotency-key") is not None:
                return await idempotency.run_once(call, lambda: self._handle(call, wants_array))
            return await self._handle(call, wants_array)
        return as_reply(await route.handler(call), route.status)

    async def _handle(self, call: Call, wants_array: bool) -> Reply | Response:
        call.body = binding.decode(call.route.decoder, call.raw, wants_array=wants_array)
        return as_reply(await call.route.handler(call), call.route.status)


def _failed(ctx: Ctx, scope: Any, surface: Surface, error: Exception) -> Reply:
    """The answer for what a handler raised."""
    if isinstance(error, SteelyardError):
        if error.status >= 500:
            ctx.log.warning("unavailable", path=scope["path"], error=error.message)
        return render(error, surface)
    request_id = secret_token(9)
    trace = "".join(traceback.format_exception(error))
    ctx.log.error("request failed", request_id=request_id, path=scope["path"], trace=trace)
    return render_crash(request_id, surface)


def _surface(raw_path: bytes) -> Surface:
    first = raw_path.lstrip(b"/").split(b"/", 1)[0]
    return "v1" if first in (b"v1", b"v2") else "api" if first == b"api" else "public"


def as_reply(result: Any, status: int) -> Reply | Response:
    """A handler's result as an answer: bytes are JSON already, anything else is encoded."""
    if isinstance(result, Reply):
        return result
    if isinstance(result, bytes):
        return Reply(result, status)
    if isinstance(result, Response):
        return result
    return Reply(msgspec.json.encode(result, enc_hook=_encode), status)


def _encode(value: Any) -> Any:
    raise TypeError(f"{type(value)} cannot be sent")


async def read_body(call: Call, limit: int) -> bytes:
    """The whole body. Raises TooLarge beyond `limit` bytes, without reading on."""
    length = call.header(b"content-length")
    if length is not None and length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise TooLarge(f"The request body may hold at most {limit} bytes.")
    exchange: Exchange | None = call.scope.get(EXCHANGE)
    whole = None if exchange is None else exchange.whole_body()
    if whole is not None:
        if len(whole) > limit:
            raise TooLarge(f"The request body may hold at most {limit} bytes.")
        return whole
    message = await call.receive()
    if message["type"] == "http.disconnect":  # not an empty body, which would mean "nothing given"
        raise InvalidRequest(_CUT_OFF)
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise TooLarge(f"The request body may hold at most {limit} bytes.")
        return body
    chunks = [body]
    size = len(body)
    while message.get("more_body"):
        message = await call.receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest(_CUT_OFF)
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge(f"The request body may hold at most {limit} bytes.")
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


async def _send(scope: Any, send: Any, reply: Reply, added: Iterable[tuple[str, str]]) -> None:
    body = b"" if scope["method"] == "HEAD" else reply.body
    if reply.content_type == "application/json" and not reply.headers and not added and body:
        exchange: Exchange | None = scope.get(EXCHANGE)
        if exchange is not None and exchange.answer(reply.status, _PLAIN_HEAD % len(body), body):
            return
    kind = _JSON if reply.content_type == "application/json" else reply.content_type.encode("latin-1")
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(reply.body)), *_SECURITY]
    for key, value in (*reply.headers, *added):
        headers.append((key.lower().encode("latin-1"), value.encode("latin-1")))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Empty(Struct):
    """A body whose content does not matter."""
