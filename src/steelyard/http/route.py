"""The typed route declaration: it binds, checks access and documents, so the three cannot drift.

    routes = Routes("v1", "Batches")

    @routes.post("/v1/batches", body=CreateBatch, response=WireBatch, access=DATA, errors=(404, 409))
    async def create_batch(call: Call) -> Reply | bytes | Struct: ...

Paths are matched on the *encoded* path, segment by segment, so that `%2F` inside a name does not split it (platform-api §1.3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct

from steelyard.ctx import Actor, Ctx, Role
from steelyard.users import POLICY, Act

Surface = Literal["v1", "api", "public"]
Method = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


class Access(Struct, frozen=True):
    """Who may call a route, by session or key: a row of `users.POLICY`. `roles` empty means that nobody needs to be known."""

    name: str
    act: Act | None = None

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset() if self.act is None else POLICY[self.act]


PUBLIC = Access("public")
DATA = Access("data", "data")
"""Working with data and projects."""
PEOPLE = Access("people", "people")
"""Inviting, roles, assignments."""
WORKER = Access("worker", "work")
"""Doing work: everybody who is not disabled."""
LEAD = Access("lead", "lead")
"""Running projects and people in the console."""
SETTINGS = Access("settings", "settings")
"""What an account is set to, its keys and its audit log: secrets are among them, so no key of a narrower scope reaches them."""
FILES = Access("files", "files")
"""Reading files of responses; whoever may not read data reads those of the work in hand."""
SELF = Access("self", "self")
"""About the caller alone."""


class Reply:
    """An answer that is more than a 200 with JSON."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self,
        body: bytes = b"",
        status: int = 200,
        content_type: str = "application/json",
        headers: Iterable[tuple[str, str]] = (),
    ):
        self.body, self.status, self.content_type, self.headers = body, status, content_type, tuple(headers)


class Call:
    """One request, bound: what a handler sees."""

    __slots__ = (
        "_headers",
        "actor",
        "answer_headers",
        "body",
        "ctx",
        "path",
        "query",
        "raw",
        "receive",
        "route",
        "scope",
        "send",
        "session",
    )

    ctx: Ctx
    actor: Actor
    """Who calls. On public routes there is none and reading it raises AttributeError."""
    path: tuple[str, ...]
    """Decoded path parameters in order."""
    query: Any
    """The route's query Struct."""
    body: Any
    """The route's body Struct (or dict of raw values, or None)."""
    raw: bytes
    """The body as JSON bytes (forms are converted)."""
    session: Any
    """The browser session, or None when a key was used."""
    answer_headers: list[tuple[str, str]]
    """Headers that the answer gets, whatever it is."""

    def __init__(self, ctx: Ctx, route: Route, scope: Any, receive: Any, send: Any, path: tuple[str, ...]):
        self.ctx, self.route, self.scope, self.receive, self.send, self.path = (
            ctx,
            route,
            scope,
            receive,
            send,
            path,
        )
        self._headers: dict[bytes, bytes] | None = None
        self.raw, self.query, self.body, self.session = b"", None, None, None
        self.answer_headers = []

    def header(self, name: bytes) -> bytes | None:
        """A request header by its lower-case name; the last one when repeated."""
        if self._headers is None:
            self._headers = dict(self.scope["headers"])
        return self._headers.get(name)


Handler = Callable[[Call], Awaitable[Any]]
Outcome = bytes | Exception | None
"""What a request came to: the JSON of its answer, the error, or None: the handler is to be asked."""
AtOnce = Callable[[Ctx, Actor, tuple[str, ...], dict[bytes, bytes], Any, Callable[[Outcome], None]], bool]
"""Begins what a handler does, with path parameters, headers and body; see `Route.at_once`."""


class Route(Struct, frozen=True, kw_only=True):
    """One operation. `body`: a Struct, `dict[str, msgspec.Raw]`, `list[...]`, "stream" (handler reads), or None."""

    method: Method
    path: str
    handler: Handler
    surface: Surface
    tag: str
    access: Access
    query: type[Struct] | None = None
    body: Any = None
    body_schema: Any = None
    """What OpenAPI shows when it is more precise than `body` (a dict of a JSON Schema, or a type)."""
    response: Any = None
    status: int = 200
    errors: tuple[int, ...] = ()
    idempotent: bool = False
    """Honours `Idempotency-Key` by a claimed row (platform-api §9.2); task creation does so in its own statement instead."""
    hidden: bool = False
    tail: bool = False
    """The last path parameter takes all further segments, joined by slashes."""
    content_type: str = "application/json"
    decoder: Any = None
    at_once: AtOnce | None = None
    """A short way for requests that need nothing but one thing that is done for many at once: called when access is checked and the body
    is bound, it returns True and tells the outcome later, or False, and the handler is called as if nothing had been. What it raises,
    the handler is expected to raise as well."""

    @property
    def summary(self) -> str:
        return (self.handler.__doc__ or self.handler.__name__).strip().split("\n")[0]


class Routes:
    """The operations of one module."""

    def __init__(self, surface: Surface, tag: str):
        self.surface: Surface = surface
        self.tag = tag
        self.all: list[Route] = []

    def _add(self, method: Method, path: str, options: dict[str, Any]) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            body = options.get("body")
            decoder = msgspec.json.Decoder(body, strict=False) if body not in (None, "stream") else None
            self.all.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    surface=self.surface,
                    tag=self.tag,
                    decoder=decoder,
                    access=options.pop("access", DATA),
                    **options,
                )
            )
            return handler

        return register

    def get(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("GET", path, options)

    def post(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("POST", path, options)

    def put(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("PUT", path, options)

    def patch(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("PATCH", path, options)

    def delete(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("DELETE", path, options)

    def options(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("OPTIONS", path, options)


_REMEMBERED = 2000
_SHORT = 200
"""So many paths are remembered, of at most so many bytes; when they are that many, all are forgotten, and those that are asked for again
and again are soon back."""
_NOBODYS_NAME = "\ufffd" * 300
"""Longer than any name or id may be."""


def _decoded(segment: bytes) -> str:
    """A path segment as text. What no object can be called (not UTF-8, or with NUL characters) becomes a name that nothing has, so that
    it is not found like any other."""
    if b"%" not in segment and segment.isascii():
        return segment.decode("ascii")
    try:
        text = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return _NOBODYS_NAME
    return _NOBODYS_NAME if "\x00" in text else text


class _Node:
    __slots__ = ("literal", "param", "routes", "tail")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.param: _Node | None = None
        self.tail: Route | None = None
        self.routes: dict[str, Route] = {}


class Router:
    """Finds the route of an encoded path. Literal segments win over parameters; repeated and trailing slashes do not count."""

    def __init__(self, routes: Iterable[Route]):
        self._root = _Node()
        self._found: dict[tuple[bytes, str], tuple[Route, tuple[str, ...], tuple[str, ...]]] = {}
        self._begun: dict[tuple[bytes, str], tuple[Route, tuple[str, ...], tuple[str, ...]]] = {}
        self.routes: list[Route] = []
        for route in routes:
            self._insert(route)
            self.routes.append(route)

    def _insert(self, route: Route) -> None:
        node = self._root
        segments = [segment for segment in route.path.split("/") if segment]
        for segment in segments[:-1] if route.tail else segments:
            if segment.startswith("{"):
                node.param = node.param or _Node()
                node = node.param
            else:
                node = node.literal.setdefault(segment, _Node())
        if route.tail:
            node.tail = route
            return
        if route.method in node.routes:
            raise ValueError(f"{route.method} {route.path} is declared twice")
        node.routes[route.method] = route

    def known(self, raw_path: bytes, method: str) -> tuple[Route, tuple[str, ...]] | None:
        """The route and path parameters of a path that is remembered, of a route with an `at_once`."""
        found = self._begun.get((raw_path, method))
        return None if found is None else found[:2]

    def find(self, raw_path: bytes, method: str) -> tuple[Route | None, tuple[str, ...], tuple[str, ...]]:
        """(route, path parameters, methods allowed here). No route and no methods: 404; no route but methods: 405."""
        at = (raw_path, method)
        known = self._found.get(at) or self._begun.get(at)
        if known is not None:
            return known
        segments = [_decoded(s) for s in raw_path.split(b"/") if s]
        allowed: list[str] = []
        walked = self._walk(self._root, segments, 0, (), method, allowed)
        if walked is None:
            return None, (), tuple(allowed)
        found = (*walked, ())
        if len(raw_path) <= _SHORT:
            # Paths with an `at_once` are few, and kept apart: those with ids in them come and go by the thousand.
            memory = self._found if walked[0].at_once is None else self._begun
            if len(memory) >= _REMEMBERED:
                memory.clear()
            memory[at] = found
        return found

    def _walk(
        self,
        node: _Node,
        segments: list[str],
        at: int,
        params: tuple[str, ...],
        method: str,
        allowed: list[str],
    ) -> tuple[Route, tuple[str, ...]] | None:
        if at == len(segments):
            route = node.routes.get(method)
            if route is None:
                allowed.extend(node.routes)
                return None
            return route, params
        child = node.literal.get(segments[at])
        if child is not None:
            found = self._walk(child, segments, at + 1, params, method, allowed)
            if found is not None:
                return found
        if node.param is not None:
            found = self._walk(node.param, segments, at + 1, (*params, segments[at]), method, allowed)
            if found is not None:
                return found
        if node.tail is not None:
            if node.tail.method == method:
                return node.tail, (*params, "/".join(segments[at:]))
            allowed.append(node.tail.method)
        return None
