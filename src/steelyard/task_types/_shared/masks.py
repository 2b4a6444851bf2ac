"""PNG files of which most is transparent: only the rows and columns that are painted are compressed, the rest is put in ready-made.

A deflate stream may be joined from parts that do not refer to each other (each ends with a full flush), and long runs of zeros
compress to the same bytes wherever they stand. A picture with 500 things on 12 megapixels so costs what the things cost.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Any

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIECE = 20
_SHORT = 1 << 16
_MODULUS = 65521
_LAST = b"\x03\x00"


class _Stream:
    """A zlib stream in the making, and its checksum."""

    def __init__(self) -> None:
        self._parts = [b"\x78\x01"]
        self._sum = 1
        self._deflate = zlib.compressobj(1, zlib.DEFLATED, -15, 4)

    def put(self, content: Any) -> None:
        """Compresses bytes-like content."""
        self._sum = zlib.adler32(content, self._sum)
        self._parts.append(self._deflate.compress(content))
        self._parts.append(self._deflate.flush(zlib.Z_FULL_FLUSH))

    def zeros(self, count: int) -> None:
        """Puts in so many zero bytes."""
        if count > 0:
            # Adler-32 has two sums: of the bytes, which zeros leave alone, and of the first sum after each byte.
            low, high = self._sum & 0xFFFF, self._sum >> 16
            self._sum = ((high + count * low) % _MODULUS) << 16 | low
            self._parts.append(_zeros(count))

    def finish(self) -> bytes:
        """All of it."""
        return b"".join((*self._parts, _LAST, struct.pack(">I", self._sum)))


@lru_cache(maxsize=512)
def _zeros(count: int) -> bytes:
    """So many zeros: short runs by themselves, long ones from runs of 2, 4, 8 … bytes."""
    if count < _SHORT:
        return _deflated_zeros(count)
    return b"".join(_power(bit) for bit in range(count.bit_length()) if count >> bit & 1)


@lru_cache(maxsize=64)
def _power(bit: int) -> bytes:
    return _deflated_zeros(1 << bit) if bit <= _PIECE else _power(_PIECE) * (1 << (bit - _PIECE))


def _deflated_zeros(count: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(bytes(count)) + deflate.flush(zlib.Z_FULL_FLUSH)


def encode_mask(inside: Any, left: int, top: int, width: int, height: int, color: bytes) -> bytes:
    """An RGBA PNG of width × height px, transparent but for the true cells of `inside` (rows, columns), whose corner is at left, top.

    `color` has four bytes.
    """
    import numpy as np

    rows, columns = inside.shape
    stream = _Stream()
    line = 1 + 4 * width  # each line starts with its filter, 0 for none
    if rows and columns:
        painted = np.zeros((rows, columns, 4), dtype=np.uint8)
        painted[inside] = np.frombuffer(color, dtype=np.uint8)
        gap = line - 4 * columns
        stream.zeros(top * line + 1 + 4 * left)
        if columns * 4 > width:
            whole = np.zeros((rows, line), dtype=np.uint8)
            whole[:, : 4 * columns] = painted.reshape(rows, 4 * columns)
            stream.put(whole.reshape(-1)[:-gap])
        else:
            spans = painted.reshape(rows, 4 * columns)
            for i in range(rows):
                stream.put(spans[i])
                if i < rows - 1:
                    stream.zeros(gap)
        stream.zeros(height * line - ((top + rows - 1) * line + 1 + 4 * (left + columns)))
    else:
        stream.zeros(height * line)
    return _png(width, height, 8, 6, stream.finish())


def encode_plain(pixels: Any) -> bytes:
    """A PNG of an array (height, width) of 8 or 16 bits, or (height, width, 4) RGBA of 8 bits; no palette, no filters.

    Maps are made of areas of one value, which compress well as they are; to choose a filter for each line costs more than it saves.
    """
    import numpy as np

    height, width = pixels.shape[:2]
    bits = 8 * pixels.dtype.itemsize
    plain = pixels.astype(">u2") if bits == 16 else np.ascontiguousarray(pixels)
    data = plain.reshape(height, -1).view(np.uint8)
    lines: Any = np.zeros((height, 1 + data.shape[1]), dtype=np.uint8)
    lines[:, 1:] = data
    return _png(width, height, bits, 6 if pixels.ndim == 3 else 0, zlib.compress(lines, 1))


def _png(width: int, height: int, bits: int, kind: int, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
