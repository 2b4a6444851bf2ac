"""Markdown to safe HTML: CommonMark with tables, no raw HTML, sanitised afterwards. Pictures are our own files or become links.

A picture's source is `scaledata://<account>/<file id>` (or the file's id alone); the renderer leaves a marked placeholder, for which the
reader's signed link is put in on every showing: links end, texts are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt

from steelyard.errors import parameter

MAX_MARKDOWN = 200_000
"""Characters; twenty screens of dense text are a tenth of it."""
_FILE_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"
_SOURCE = re.compile(rf"^(?:scaledata://\d+/)?({_FILE_ID})$")
_PLACE = "/media/file-"
_PLACED = re.compile(rf'<img src="{_PLACE}({_FILE_ID})"([^>]*)>')

_TAGS = {
    "a", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol",
    "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "code": {"class"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}


@lru_cache(1)
def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 30}).enable(
        ["table", "strikethrough"]
    )
    made.add_render_rule("image", _image)
    return made


def _image(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    """Our own picture as a placeholder; anybody else's as a link, for no browser of a contributor is to call on strangers unasked."""
    token = tokens[index]
    source = str(token.attrGet("src") or "")
    words = self.renderInlineAsText(token.children or [], options, env)
    match = _SOURCE.match(source)
    if match is not None:
        title = token.attrGet("title")
        more = f' title="{nh3.clean_text(str(title))}"' if title else ""
        return f'<img src="{_PLACE}{match[1]}" alt="{nh3.clean_text(words)}"{more}>'
    return f'<a href="{nh3.clean_text(source)}">{nh3.clean_text(words or source)}</a>'


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if value.startswith(_PLACE) else None
    if tag == "code" and name == "class":
        return value if re.fullmatch(r"language-[\w+#.-]{1,30}", value) else None
    return value


@lru_cache(512)
def rendered(markdown: str) -> str:
    """Safe HTML with placeholders for pictures; the last texts are remembered, for each is shown with thousands of tasks."""
    return nh3.clean(
        _parser().render(markdown),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def picture_ids(html: str) -> list[str]:
    """The files that the placeholders name, in order and once each."""
    return list(dict.fromkeys(match[1] for match in _PLACED.finditer(html)))


def with_pictures(html: str, links: Mapping[str, str]) -> str:
    """Placeholders replaced by links (our own addresses, without a host); a picture that is not there is left out."""

    def place(match: re.Match[str]) -> str:
        link = links.get(match[1])
        return "" if link is None else f'<img src="{link}"{match[2]} loading="lazy">'

    return _PLACED.sub(place, html)


def check_markdown(text: str) -> str:
    """The text, if it may be kept. Raises InvalidRequest."""
    if len(text) > MAX_MARKDOWN:
        raise parameter("markdown", f"must be a text of at most {MAX_MARKDOWN} characters")
    if "\x00" in text:
        raise parameter("markdown", "must not contain NUL characters")
    return text
