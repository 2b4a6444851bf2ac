"""What the feature passes around."""

from __future__ import annotations

from typing import IO, Any

from msgspec import Struct


class Piece(Struct, frozen=True):
    """A part as it was made: its name within the source's derived files, content and type."""

    name: str
    mime_type: str
    content: bytes


class Place(Struct, frozen=True, array_like=True):
    """Where a part lies in the stored object: offset and length in bytes, and its type."""

    offset: int
    length: int
    mime_type: str


class Made(Struct, frozen=True):
    """All that was made from one file: its parts by name in the file that was written. `detail` describes it (JSON-able, keys as in the
    workbench's API); `problem` says in words for the customer why the file cannot be shown, None if it can."""

    detail: dict[str, Any]
    parts: dict[str, Place] = {}
    problem: str | None = None


class Parts:
    """Parts being written one after the other to a file, so that no more than one is in memory."""

    def __init__(self, file: IO[bytes]):
        self._file, self._at = file, 0
        self.places: dict[str, Place] = {}

    def add(self, piece: Piece) -> None:
        """Writes a part; names are unique."""
        self._file.write(piece.content)
        self.places[piece.name] = Place(self._at, len(piece.content), piece.mime_type)
        self._at += len(piece.content)


class DerivedRow(Struct, frozen=True):
    """A row of `derived`; `detail` and `parts` are JSON."""

    sha256: str | None
    detail: str
    parts: str
    problem: str | None


class ViewRow(Struct, frozen=True):
    """A stored attachment with what was made from it, if anything."""

    path: str
    role: str
    media: str
    sha256: str
    size_bytes: int | None
    mime_type: str
    width: int | None
    height: int | None
    detail: str | None
    problem: str | None


class MediaView(Struct, frozen=True):
    """A file of a task for the browser; addresses are on our own origin and end after a while. `derived` is JSON or None."""

    path: str
    url: str
    role: str
    media: str
    mime_type: str
    width: int | None
    height: int | None
    size_bytes: int | None
    derived: bytes | None


class Part(Struct, frozen=True):
    """A part to be sent: `length` bytes from `offset` of a stored object that was made from `source_sha256`."""

    source_sha256: str
    sha256: str
    offset: int
    length: int
    mime_type: str
