"""What a file is, from its first bytes; what a task type can work with; what browsers may be given inline. Pure."""

from __future__ import annotations

from steelyard.task_types._base import MediaKind

_IMAGES = frozenset({"image/jpeg", "image/png", "image/bmp", "image/gif", "image/tiff"})
_AV_CONTAINERS = frozenset(
    {"video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "application/ogg"}
)
_VIDEO = _AV_CONTAINERS | {"video/x-msvideo"}
_AUDIO = _AV_CONTAINERS | {"audio/mpeg", "audio/wav", "audio/flac", "audio/aac", "audio/mp4", "audio/ogg"}

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
)
_MARKUP: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "text/html"),
    (b"<html", "text/html"),
    (b"<head", "text/html"),
    (b"<body", "text/html"),
    (b"<script", "text/html"),
    (b"<svg", "image/svg+xml"),
    (b"<!doctype svg", "image/svg+xml"),
)


def sniff(head: bytes, declared: str = "") -> str:
    """The MIME type of a file that starts with `head` (some kilobytes). `declared` only refines what is text anyway."""
    for prefix, mime in _PREFIXES:
        if head.startswith(prefix):
            return mime
    # "BM" alone is too common in text; a bitmap's reserved words are zero
    if head.startswith(b"BM") and len(head) >= 14 and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    if head[:4] == b"RIFF" and len(head) >= 12:
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(
            head[8:12], "application/octet-stream"
        )
    if head[4:8] == b"ftyp":
        return _iso_media(head[8:12])
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith(b"OggS"):
        return "audio/ogg" if b"OpusHead" in head[:64] or b"vorbis" in head[:64] else "application/ogg"
    if len(head) >= 2 and head[0] == 0xFF:
        if head[1] & 0xF6 == 0xF0:
            return "audio/aac"
        if head[1] & 0xE0 == 0xE0 and head[1] & 0x06:
            return "audio/mpeg"
    return _text(head, declared)


def _iso_media(brand: bytes) -> str:
    if brand == b"qt  ":
        return "video/quicktime"
    if brand in (b"M4A ", b"M4B "):
        return "audio/mp4"
    if brand in (b"avif", b"avis"):
        return "image/avif"
    if brand in (b"heic", b"heix", b"mif1", b"msf1"):
        return "image/heic"
    return "video/mp4"


def _text(head: bytes, declared: str) -> str:
    if not head or b"\0" in head:
        return "application/octet-stream"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    for prefix, mime in _MARKUP:
        if start.startswith(prefix):
            return mime
    if start.startswith(b"<?xml"):
        return "image/svg+xml" if b"<svg" in head[:4096].lower() else "application/xml"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as e:
        if e.start < len(head) - 4:  # a character cut in two at the end of `head` is no fault
            return "application/octet-stream"
    if start[:1] in (b"{", b"["):
        return "application/json"
    return declared if declared in ("text/csv", "text/markdown", "text/vtt") else "text/plain"


def _is_text(mime: str) -> bool:
    return mime.startswith("text/") or mime in ("application/json", "application/xml", "image/svg+xml")


def refusal(media: MediaKind, mime: str) -> str | None:
    """Why a file of this MIME type cannot serve as `media`, in words for the customer; None when it can."""
    match media:
        case "image":
            fits, wanted = mime in _IMAGES, "an image (JPEG, PNG, BMP, GIF or TIFF)"
        case "video":
            fits, wanted = mime in _VIDEO or mime == "image/gif", "a video (MP4, WebM, QuickTime or Ogg)"
        case "audio":
            fits, wanted = mime in _AUDIO, "an audio file (MP3, WAV, Ogg, FLAC, AAC, MP4 or WebM)"
        case "pdf":
            fits, wanted = mime == "application/pdf", "a PDF document"
        case "text" | "html":
            fits, wanted = _is_text(mime), "a text in UTF-8"
        case _:
            fits, wanted = True, ""
    return None if fits else f"The file is not {wanted}; its content looks like {mime}."


# Types that no browser runs as a document. HTML, SVG and XML are not among them and never will be.
_INLINE = (
    _IMAGES
    | _VIDEO
    | _AUDIO
    | {
        "image/webp",
        "image/avif",
        "application/pdf",
        "text/plain",
        "text/csv",
        "text/vtt",
        "application/json",
    }
)


def media_headers(mime: str, filename: str = "file") -> dict[str, str]:
    """Response headers under which stored content is safe to serve from our own origin: a strict allow-list of types shown inline,
    everything else as a download of unknown bytes."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; img-src 'self'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Referrer-Policy": "no-referrer",
    }
    if mime in _INLINE:
        text = mime.startswith("text/") or mime == "application/json"
        return {"Content-Type": f"{mime}; charset=utf-8" if text else mime, **headers}
    safe = "".join(c for c in filename if c.isascii() and (c.isalnum() or c in "._-")) or "file"
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{safe[:100]}"',
        **headers,
    }
