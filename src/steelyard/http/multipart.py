"""Multipart uploads read as they arrive: small fields into memory, the file into a spool file of the store, hashed on the way."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from steelyard.errors import InvalidRequest, SteelyardError, parameter
from steelyard.http.route import Call
from steelyard.storage import Spooled

_MAX_FIELD_BYTES = 64 * 1024
_MAX_FIELDS = 100
_MEDIA_TYPE = re.compile(r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,127}$")


class Upload(Struct, frozen=True):
    """A form that was read to its end. `declared_type` is what the client says the file is, "" if nothing usable."""

    fields: dict[str, str]
    file: Spooled
    declared_type: str


class _Part(Struct, frozen=True):
    name: str
    declared_type: str


_END = object()


class _Events:
    """What the parser has found and nobody has taken yet: a `_Part`, pieces of its content, `_END`."""

    def __init__(self, boundary: bytes):
        self.found: deque[Any] = deque()
        self.finished = False
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value = b"", b""
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": lambda data, start, end: self.found.append(data[start:end]),
                "on_part_end": lambda: self.found.append(_END),
                "on_end": self._end,
            },
        )

    def _begin(self) -> None:
        self._headers = {}

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        declared = self._headers.get(b"content-type", b"").split(b";")[0].strip().lower().decode("latin-1")
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self.found.append(_Part(name, declared if _MEDIA_TYPE.match(declared) else ""))

    def _end(self) -> None:
        self.finished = True


class _Body:
    """The request's body as events."""

    def __init__(self, call: Call, boundary: bytes, max_bytes: int):
        self._call, self._max = call, max_bytes
        self._events = _Events(boundary)
        self._read, self._more = 0, True

    async def next(self) -> Any:
        """The next event, None after the last."""
        while not self._events.found:
            if not self._more:
                if not self._events.finished:
                    raise InvalidRequest("The multipart body breaks off before its end.")
                return None
            chunk = await self._receive()
            if self._read > self._max:
                raise InvalidRequest(f"The upload may hold at most {self._max} bytes.")
            try:
                self._events.parser.write(chunk)
            except FormParserError:
                raise InvalidRequest("The multipart body is malformed.") from None
        return self._events.found.popleft()

    async def _receive(self) -> bytes:
        message = await self._call.receive()
        if message["type"] == "http.disconnect":
            self._more = False
            raise InvalidRequest("The client went away before the whole body arrived.")
        self._more = bool(message.get("more_body"))
        chunk: bytes = message.get("body", b"")
        self._read += len(chunk)
        return chunk

    async def content(self, max_bytes: int) -> AsyncIterator[bytes]:
        """The rest of the part that was just begun. Raises InvalidRequest beyond `max_bytes`."""
        size = 0
        while (piece := await self.next()) is not _END:
            if piece is None or isinstance(piece, _Part):
                raise InvalidRequest("The multipart body is malformed.")
            size += len(piece)
            if size > max_bytes:
                raise InvalidRequest(f"The file may hold at most {max_bytes} bytes.")
            yield piece

    async def text(self, name: str) -> str:
        """The part's content as text."""
        pieces: list[bytes] = []
        size = 0
        while (piece := await self.next()) is not _END:
            size += len(piece or b"")
            if piece is None or size > _MAX_FIELD_BYTES:
                raise parameter(name, f"may hold at most {_MAX_FIELD_BYTES} bytes")
            pieces.append(piece)
        try:
            text = b"".join(pieces).decode("utf-8")
        except UnicodeDecodeError:
            raise parameter(name, "is not valid UTF-8") from None
        if "\x00" in text:
            raise parameter(name, "must not contain NUL characters")
        return text

    async def discard(self) -> None:
        """Reads on for a while: a client that is still sending would not see the answer to a refused upload."""
        limit = self._read + 2 * self._max
        while self._more and self._read < limit:
            message = await self._call.receive()
            if message["type"] == "http.disconnect":
                return
            self._more = bool(message.get("more_body"))
            self._read += len(message.get("body", b""))


def _boundary(call: Call) -> bytes:
    kind, options = parse_options_header(call.header(b"content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise InvalidRequest("The request must be multipart/form-data with a part named file.")
    return options[b"boundary"]


@asynccontextmanager
async def read_upload(call: Call, *, max_file_bytes: int) -> AsyncGenerator[Upload]:
    """The form of an upload; its spooled file is gone at the end of the block unless the store kept it.

    Raises InvalidRequest for a malformed or oversize body and for a missing or repeated part `file`.
    """
    body = _Body(call, _boundary(call), call.ctx.settings.max_upload_bytes)
    async with AsyncExitStack() as stack:
        try:
            fields: dict[str, str] = {}
            file: Spooled | None = None
            declared = ""
            while (part := await body.next()) is not None:
                if not isinstance(part, _Part):
                    raise InvalidRequest("The multipart body is malformed.")
                if part.name != "file":
                    text = await body.text(part.name)
                    if len(fields) < _MAX_FIELDS:
                        fields[part.name] = text
                elif file is not None:
                    raise parameter("file", "may be given only once")
                else:
                    declared = part.declared_type
                    file = await stack.enter_async_context(call.ctx.store.spool(body.content(max_file_bytes)))
            if file is None:
                raise parameter("file", "is required")
        except SteelyardError:
            await body.discard()
            raise
        yield Upload(fields, file, declared)
