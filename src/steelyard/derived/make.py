"""What is made from a file, by its MIME type. Runs in the process pool: libraries are imported inside functions only, decoders read local
files or bytes and nothing else."""

from __future__ import annotations

import io
import json
from typing import Any

from steelyard.derived.model import Made, Piece
from steelyard.derived.pyramid import FROM_PX, TILE, array_stripes, read_stripes, tiles, zoom_levels

THUMBNAIL_PX = 320
PAGE_DPI = 150
MAX_PAGES = 500
"""Pages of a PDF that get an image; further ones can be opened in the file itself."""
MAX_PAGE_PX = 4000
PEAKS = 2000
_MAX_PIXELS = 1_000_000_000


def make_derived(path: str, mime: str) -> Made:
    """Everything for one file. Never raises for what the file is to blame for: that is a `problem`."""
    try:
        if mime.startswith("image/"):
            return _image(path)
        if mime.startswith(("video/", "audio/")) or mime == "application/ogg":
            return _playable(path)
        if mime == "application/pdf":
            return _pdf(path)
    except Exception as e:
        return Made({}, problem=f"The file cannot be decoded ({type(e).__name__}).")
    return Made({})


def _image(path: str) -> Made:
    import numpy as np
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
    with Image.open(path, formats=("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")) as image:
        orientation = image.getexif().get(0x0112, 1) if image.format != "PNG" else 1
        width, height = image.size
        turned = orientation in (5, 6, 7, 8)
        large = max(width, height) > FROM_PX
        pieces: list[Piece] = []
        if large and image.format in ("JPEG", "PNG", "TIFF") and orientation == 1:
            pieces += tiles(read_stripes(path), width, height)
            # the level of one tile is the thumbnail's source: the image itself need not be decoded once more
            first = next(p for p in pieces if p.name == "0-0_0.jpg")
            small = Image.open(io.BytesIO(first.content)).convert("RGB")
        elif large:
            whole = ImageOps.exif_transpose(image).convert("RGB")
            pieces += tiles(array_stripes(np.asarray(whole)), whole.width, whole.height)
            small = whole
        else:
            image.draft("RGB", (THUMBNAIL_PX * 2, THUMBNAIL_PX * 2))
            small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        pieces.append(Piece("thumbnail.jpg", "image/jpeg", _jpeg(small)))
    if turned:
        width, height = height, width
    zoom = zoom_levels(width, height)
    detail: dict[str, Any] = {
        "width": width,
        "height": height,
        "thumbnail": "thumbnail.jpg",
        "tiles": {"template": "{z}-{x}_{y}.jpg", "tile_size": TILE, "max_zoom": zoom} if large else None,
    }
    return Made(detail, tuple(pieces))


def _jpeg(image: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


def _playable(path: str) -> Made:
    import av

    with av.open(path, options={"protocol_whitelist": "file"}) as container:
        if container.streams.video and not _is_cover(container.streams.video[0]):
            return _video(container)
        if container.streams.audio:
            return _audio(container)
    return Made({}, problem="The file has neither pictures nor sound.")


def _is_cover(stream: Any) -> bool:
    """A picture in an audio file is no video."""
    return bool(stream.disposition.value & 0x0400) if hasattr(stream.disposition, "value") else False


def _video(container: Any) -> Made:
    """Presentation times of every frame in seconds, sorted, from the packets (nothing but the first frame is decoded); times before 0,
    which an edit list cuts off, are left out."""
    stream = container.streams.video[0]
    base = stream.time_base
    times = sorted(
        round(float(packet.pts * base), 6)
        for packet in container.demux(stream)
        if packet.pts is not None and not packet.is_discard and packet.pts >= 0
    )
    if not times:
        return Made({}, problem="The video has no frames.")
    container.seek(0)
    poster, rotation = None, 0
    for frame in container.decode(stream):
        poster = frame.to_image()
        rotation = int(getattr(frame, "rotation", 0) or 0) % 360
        break
    if poster is None:
        return Made({}, problem="The video cannot be decoded.")
    if rotation:
        poster = poster.rotate(rotation, expand=True)
    width, height = poster.size
    poster.thumbnail((1280, 1280))
    steps = len(times) - 1
    rate = (
        steps / (times[-1] - times[0]) if steps and times[-1] > times[0] else float(stream.average_rate or 0)
    )
    duration = times[-1] + (1 / rate if rate else 0)
    detail = {
        "width": width,
        "height": height,
        "rotation": rotation,
        "duration_s": round(duration, 6),
        "frame_rate": round(rate, 6) or None,
        "frame_count": len(times),
        "poster": "poster.jpg",
        "frames": "frames.json",
    }
    frames = json.dumps(times, separators=(",", ":")).encode()
    return Made(
        detail,
        (
            Piece("poster.jpg", "image/jpeg", _jpeg(poster.convert("RGB"))),
            Piece("frames.json", "application/json", frames),
        ),
    )


def _audio(container: Any) -> Made:
    import av
    import numpy as np

    stream = container.streams.audio[0]
    resampler = av.AudioResampler(format="s16", layout="mono", rate=8000)
    blocks: list[int] = []
    samples = 0
    for frame in container.decode(stream):
        for mono in resampler.resample(frame):
            data = np.abs(mono.to_ndarray().reshape(-1).astype(np.int32))
            samples += len(data)
            # a block of 80 samples is a hundredth of a second
            whole = len(data) // 80 * 80
            blocks += data[:whole].reshape(-1, 80).max(axis=1).tolist()
    if not samples:
        return Made({}, problem="The recording has no sound.")
    levels = np.asarray(blocks or [0], dtype=np.float64)
    groups = np.array_split(levels, min(PEAKS, len(levels)))
    peaks = [round(float(g.max()) / 32768, 4) for g in groups]
    detail = {"duration_s": round(samples / 8000, 3), "peaks": "peaks.json"}
    return Made(
        detail, (Piece("peaks.json", "application/json", json.dumps(peaks, separators=(",", ":")).encode()),)
    )


def _pdf(path: str) -> Made:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    pages: list[dict[str, Any]] = []
    pieces: list[Piece] = []
    try:
        for n in range(min(len(document), MAX_PAGES)):
            page = document[n]
            width, height = page.get_size()
            scale = min(PAGE_DPI / 72, MAX_PAGE_PX / max(width, height, 1))
            # its signature says int; fractions are meant and work
            image = page.render(scale=scale).to_pil().convert("RGB")  # pyright: ignore[reportArgumentType]
            text = page.get_textpage().get_text_bounded()
            pieces.append(Piece(f"page-{n}.jpg", "image/jpeg", _jpeg(image)))
            pages.append(
                {
                    "image": f"page-{n}.jpg",
                    "width": image.width,
                    "height": image.height,
                    "text": text[:20_000],
                }
            )
    finally:
        document.close()
    if not pages:
        return Made({}, problem="The document has no pages.")
    return Made({"pages": pages, "page_count": len(pages)}, tuple(pieces))
