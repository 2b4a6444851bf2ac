"""How deeply a JSON document may nest, looked at before it is read."""

from __future__ import annotations

import re

# Well under what Python can recurse through, whatever the depth of the stack when the document is read again later.
MAX_NESTING = 150

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def too_deep(data: bytes) -> bool:
    """Whether a JSON document nests objects and arrays deeper than `MAX_NESTING`. Few documents have that many brackets at all."""
    # Leaving bytes out goes from one to the next of them by memchr; counting them looks at every byte.
    if len(data) - len(data.replace(b"[", b"").replace(b"{", b"")) <= MAX_NESTING:
        return False
    if _surely_shallow(data):
        return False
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", _STRINGS.sub(b"", data)):
        depth += 1 if bracket in (b"[", b"{") else -1
        if depth > MAX_NESTING:
            return True
    return False


_EXCEPT_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))


def _surely_shallow(data: bytes) -> bool:
    """A test in a few passes of C: false where strings hold brackets or escapes, which takes a closer look."""
    if b"\\" in data:
        return False
    # Quotes of strings without brackets are neighbours now; when all are gone in pairs, no string had any.
    brackets = data.translate(None, _EXCEPT_BRACKETS).replace(b'""', b"")
    if b'"' in brackets:
        return False
    for _ in range(MAX_NESTING):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return not brackets
