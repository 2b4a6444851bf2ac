"""Answers of the lidar types: files on the wire, inline where they are made (task-types-lidar §1.3).

A part of a response is `{"url": …}` once its file is stored. A submission, a fix or a pre-label may carry the file's JSON in its place, or
refer to a file elsewhere; either is checked in full where the content is at hand, and `stored_parts` turns it into the wire's form. For a
comparison the URL is replaced by the file's bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import RESULT_URL, Answer, FileLink, MediaInfo, ResultFile
from steelyard.task_types._shared.nesting import too_deep
from steelyard.task_types._shared.parsing import Path, first_violation, join

JSON = "application/json"


class LidarFileLink(Struct, kw_only=True):
    """A file of a response."""

    url: Annotated[str, Meta(description="Fetched with a plain GET; JSON.", min_length=1)]


_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])

Parts = dict[str, bytes | None]
"""By key of the response: the JSON of the file, or None for one that is referred to by URL and not at hand."""


def read_parts(
    data: bytes, media: MediaInfo, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Parts | list[Issue]:
    """The parts of a response, or why it is none; of a link the file's content where it is at hand."""
    if too_deep(data):
        return [Issue("", "is nested too deeply")]
    try:
        given = _PARTS.decode(data)
        issues: list[Issue] = []
        parts: Parts = {}
        for name in (*required, *optional):
            raw = bytes(given.get(name, b"null"))
            if raw == b"null":
                if name in required:
                    issues.append(Issue(name, "is required"))
                continue
            link: Any = _PARTS.decode(raw) if raw[:1] == b"{" else {}
            if "url" not in link:
                parts[name] = raw
                continue
            url = msgspec.json.decode(link["url"])
            if not isinstance(url, str) or not url:
                issues.append(Issue(f"{name}.url", "must be a non-empty string"))
            parts[name] = media.files.get(url) if isinstance(url, str) else None
    except RecursionError:
        return [Issue("", "is nested too deeply")]
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        return [Issue("", str(error) or "is not JSON")]
    return issues or parts


def read_content(decoder: msgspec.json.Decoder[Any], data: bytes, path: Path) -> tuple[Any, list[Issue]]:
    """Typed content of a part, and the issue why its JSON does not fit; `path` is where it stands."""
    try:
        return decoder.decode(data), []
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        try:
            found = first_violation(decoder.type, msgspec.json.decode(data), path, strict=True)
        except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as broken:
            return None, [Issue(join(path), str(broken) or "is not JSON")]
        return None, [found.issue() if found else Issue(join(path), str(error))]


def patched(data: bytes, changed: Mapping[str, Any]) -> bytes:
    """The response with these parts in place of what was sent; the bytes themselves when there are none."""
    if not changed:
        return data
    document: dict[str, Any] = msgspec.json.decode(data)
    return msgspec.json.encode({**document, **changed})


def content_of(value: Any) -> Any:
    """The JSON of a part: inline, or the bytes that a comparison puts in place of the URL; None if there is only a URL."""
    found = value
    if isinstance(value, dict) and "url" in value:
        found = cast("dict[str, Any]", value)["url"]
        if isinstance(found, str):
            return None
    return msgspec.json.decode(found) if isinstance(found, bytes | bytearray | memoryview) else found


def compared(response: dict[str, Any], key: str, hint: Any) -> Any:
    """Typed content of a part for a comparison; raises InvalidRequest where the content is missing or unreadable."""
    try:
        content = content_of(response.get(key))
        if content is None:
            raise InvalidRequest(f"{key} must hold the file's content", issues=[Issue(key, "has no content")])
        return msgspec.convert(content, hint, strict=False)
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise InvalidRequest(f"{key} cannot be read: {error}", issues=[Issue(key, str(error))]) from None


def as_files(response: Mapping[str, Any]) -> Answer:
    """A response whose inline parts became JSON files, to be stored by the platform."""
    wire: dict[str, Any] = {}
    files: list[ResultFile] = []
    for key, value in response.items():
        if isinstance(value, dict) and "url" in value:
            wire[key] = value
            continue
        name = f"{key}.json"
        files.append(ResultFile(name, msgspec.json.encode(value), JSON))
        wire[key] = {"url": RESULT_URL + name}
    return Answer(wire, tuple(files))


def part_links(*names: str) -> Callable[[dict[str, Any]], list[FileLink]]:
    """`file_links` of a type whose response has these parts."""

    def links(response: dict[str, Any]) -> list[FileLink]:
        found: list[FileLink] = []
        for name in names:
            part = response.get(name)
            url = cast("dict[str, Any]", part).get("url") if isinstance(part, dict) else None
            if isinstance(url, str) and url:
                found.append(FileLink((name, "url"), url))
        return found

    return links


def stored_parts(*names: str) -> Callable[[Any, bytes, MediaInfo], Answer]:
    """`result_files` of a type whose response has these parts: their JSON goes into files as it stands, without being read again."""

    def store(params: Any, data: bytes, media: MediaInfo) -> Answer:
        wire: dict[str, Any] = {**_PARTS.decode(data)}
        files: list[ResultFile] = []
        for name in names:
            raw = bytes(wire.get(name, b"null"))
            if raw == b"null":
                wire.pop(name, None)
                continue
            link: Any = _PARTS.decode(raw) if raw[:1] == b"{" else {}
            if "url" in link:
                content = media.files.get(msgspec.json.decode(link["url"]))
                if content is None:
                    continue
                raw = content
            files.append(ResultFile(f"{name}.json", raw, JSON))
            wire[name] = {"url": f"{RESULT_URL}{name}.json"}
        return Answer(wire, tuple(files))

    return store
