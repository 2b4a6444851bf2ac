"""What JSON may be kept as it was sent."""

from __future__ import annotations

import re

import msgspec

from steelyard.errors import InvalidRequest

_LONGEST_NUMBER = 4300
"""Digits that Python's own JSON reader takes; a longer number would break every client that lists the object."""
_DIGITS = re.compile(rb"[0-9]{%d}" % (_LONGEST_NUMBER + 1))


def check_text(raw: bytes) -> None:
    """Refuses what PostgreSQL cannot store in text: NUL characters and bytes that are not UTF-8."""
    if not raw.isascii():
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidRequest("The request body is not valid UTF-8.") from None
    # A search for one byte is so much faster than one for six that it pays to make it first.
    if b"\x00" in raw or (b"\\" in raw and b"\\u0000" in raw and _has_nul(raw)):
        raise InvalidRequest("The request body must not contain NUL characters.")
    if len(raw) > _LONGEST_NUMBER and _DIGITS.search(raw):
        try:  # the digits may as well stand inside a string
            msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            raise InvalidRequest("The request body holds a number with too many digits.") from None


def _has_nul(raw: bytes) -> bool:
    at = raw.find(b"\\u0000")
    while at >= 0:
        slashes = len(raw[:at]) - len(raw[:at].rstrip(b"\\"))
        if slashes % 2 == 0:
            return True
        at = raw.find(b"\\u0000", at + 1)
    return False
