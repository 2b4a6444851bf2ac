"""The MIME type that a file gets: what its content says, and the client's word only where the content says nothing."""

from __future__ import annotations

from steelyard.media.sniff import sniff

_UNKNOWN = "application/octet-stream"
# Types that a look at the content would have found, or that a browser would run.
_NOT_ON_TRUST = ("text/", "image/", "video/", "audio/", "application/pdf", "multipart/", "message/")
_ACTIVE = ("html", "xml", "svg", "script", "flash", "java", "wasm")


def type_of(head: bytes, declared: str) -> str:
    """The type of a file that starts with `head`; `declared` is a lower-case `type/subtype` or ""."""
    found = sniff(head, declared)
    if found != _UNKNOWN or not declared:
        return found
    if declared.startswith(_NOT_ON_TRUST) or any(word in declared for word in _ACTIVE):
        return found
    return declared
