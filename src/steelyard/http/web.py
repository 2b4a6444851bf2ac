"""The browser's application: the built bundle's files, and its one page for every address that the application itself understands."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import Any

from msgspec import Struct

from steelyard.errors import NotFound
from steelyard.http.route import PUBLIC, Call, Reply, Route, Routes

routes = Routes("public", "Pages")

BUNDLE = Path(__file__).parent.parent / "web_bundle"
"""What `make web` builds; part of the wheel."""

PAGES = ("login", "work", "console", "invite", "reset", "setup")
"""First segments of addresses that the application understands; at everything else it says so, with a 404."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
"""No script but our own files, no other host for anything. Mantine sets style attributes, hence 'unsafe-inline' for styles alone."""

_SECURITY = [
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("X-Frame-Options", "DENY"),
]
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
_PACKS = (".js", ".mjs", ".css", ".html", ".json", ".map", ".svg", ".wasm")
_WORTH_PACKING = 1024
_NO_BUNDLE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Steelyard</title></head>
<body><h1>Steelyard runs</h1>
<p>The application for browsers is not built here. Run <code>make web</code> in the source tree (it needs Node.js 20.19, or takes one from
the package index), then reload this page. A released package holds it already.</p>
<p>The programming interface works without it: <a href="/docs">its description</a>.</p></body></html>
"""


class _File(Struct, frozen=True):
    """A file of the bundle as it is sent; the compressed forms are empty where they would not help."""

    body: bytes
    gzipped: bytes
    brotli: bytes
    content_type: str
    etag: str


def _read(path: Path) -> _File:
    body = path.read_bytes()
    gzipped = brotli = b""
    if path.suffix in _PACKS and len(body) >= _WORTH_PACKING:
        made = [path.with_name(path.name + suffix) for suffix in (".gz", ".br")]
        gzipped = made[0].read_bytes() if made[0].is_file() else gzip.compress(body, 9, mtime=0)
        brotli = made[1].read_bytes() if made[1].is_file() else b""
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(body, gzipped, brotli, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _found(base: Path, name: str) -> Path | None:
    """The file of the bundle with this name. What is asked for is looked up among what is there, never opened by its spelling."""
    wanted = base / name
    return next((path for path in base.rglob("*") if path == wanted and path.is_file()), None)


async def _file(call: Call, base: Path, name: str) -> _File | None:
    """A file of the bundle, kept in memory with its compressed form; read again when it was built anew."""
    kept: dict[Path, tuple[int, _File]] = call.ctx.state.setdefault("web", {})
    known = base / name
    if known not in kept:
        found = await asyncio.to_thread(_found, base, name)
        if found is None:
            return None
    try:
        mark = (await asyncio.to_thread(known.stat)).st_mtime_ns
        held = kept.get(known)
        if held is None or held[0] != mark:
            held = kept[known] = (mark, await asyncio.to_thread(_read, known))
    except FileNotFoundError:
        kept.pop(known, None)
        return None
    return held[1]


def _sent(call: Call, file: _File, status: int, headers: list[tuple[str, str]]) -> Reply:
    """A file in the smallest form that the caller takes."""
    accepted = {
        part.split(";")[0].strip()
        for part in (call.header(b"accept-encoding") or b"").decode("latin-1").split(",")
    }
    headers = [*_SECURITY, *headers, ("Vary", "Accept-Encoding")]
    for encoding, body in (("br", file.brotli), ("gzip", file.gzipped)):
        if body and encoding in accepted:
            return Reply(body, status, file.content_type, [*headers, ("Content-Encoding", encoding)])
    return Reply(file.body, status, file.content_type, headers)


def _answer(call: Call, file: _File, cache: str) -> Reply:
    headers = [("Cache-Control", cache), ("ETag", file.etag)]
    if file.etag in (call.header(b"if-none-match") or b"").decode("latin-1").replace("W/", "").split(", "):
        return Reply(b"", 304, file.content_type, [*_SECURITY, *headers, ("Vary", "Accept-Encoding")])
    return _sent(call, file, 200, headers)


async def _page(call: Call) -> Reply:
    """The browser's application"""
    file = await _file(call, BUNDLE, "index.html")
    if file is None:
        return Reply(_NO_BUNDLE, 200, _TYPES[".html"], [*_SECURITY, ("Cache-Control", "no-store")])
    return _answer(call, file, "no-cache")


async def _no_page(call: Call) -> Reply:
    """The browser's application, which says that this is no page of it"""
    file = await _file(call, BUNDLE, "index.html")
    if file is None:
        raise NotFound("Not found.")
    return _sent(call, file, 404, [("Cache-Control", "no-store")])


NO_PAGE = Route(
    method="GET", path="unknown", handler=_no_page, surface="public", tag="Pages", access=PUBLIC, hidden=True
)
"""Not among the routes: what somebody in a browser gets at an address that nothing else understands."""


def in_browser(scope: Any) -> bool:
    """Whether a request is somebody opening a page: programs ask for JSON, for a picture or for anything."""
    wanted = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] in ("GET", "HEAD") and b"text/html" in wanted


async def _asset(call: Call) -> Reply:
    """A file of the browser's application"""
    file = await _file(call, BUNDLE / "assets", call.path[0])
    if file is None:
        raise NotFound("Not found.")
    return _answer(call, file, "public, max-age=31536000, immutable")


routes.get("/", access=PUBLIC, content_type="text/html", hidden=True)(_page)
for _first in PAGES:
    routes.get(f"/{_first}", access=PUBLIC, content_type="text/html", hidden=True)(_page)
    routes.get(f"/{_first}/{{path}}", access=PUBLIC, content_type="text/html", hidden=True, tail=True)(_page)
routes.get("/assets/{path}", access=PUBLIC, content_type="application/octet-stream", hidden=True, tail=True)(
    _asset
)
