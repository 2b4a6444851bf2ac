"""What is made from a file, by its MIME type. Runs in the process pool: libraries are imported inside functions only, decoders read local
files or bytes and nothing else."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from steelyard.derived import points
from steelyard.derived.model import Made, Parts, Piece
from steelyard.derived.pyramid import FROM_PX, TILE, array_stripes, read_stripes, tiles, zoom_levels

THUMBNAIL_PX = 320
PAGE_DPI = 150
MAX_PAGES = 500
"""Pages of a PDF that get an image; further ones can be opened in the file itself."""
MAX_PAGE_PX = 4000
PEAKS = 2000
_MAX_PIXELS = 1_000_000_000
_MAX_WHOLE_PIXELS = 120_000_000
"""Of images that cannot be read in stripes: kinds that have none, and pictures that a camera's rotation turns."""
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,avi,mp3,wav,flac,aac,gif"
_MAX_FRAME_PIXELS = 8192 * 8192


def make_derived(path: str, mime: str, media: str, out: str) -> Made:
    """Everything for one file, its parts written to the file `out`. Never raises for what the file is to blame for: that is a `problem`.

    `media`: what the file serves as (`lidar` and `scene` cannot be told by the MIME type).
    """
    try:
        with Path(out).open("wb") as file:
            parts = Parts(file)
            made = _make(path, mime, media, parts)
        return made if made.problem is not None else Made(made.detail, parts.places)
    except MemoryError:
        return Made({}, problem="The file takes more memory than this server allows.")
    except Exception as e:
        return Made({}, problem=f"The file cannot be decoded ({type(e).__name__}).")


def _make(path: str, mime: str, media: str, parts: Parts) -> Made:
    if media in ("lidar", "scene"):
        return points.make_chunks(path, media, parts)
    if mime.startswith("image/"):
        return _image(path, parts)
    if mime.startswith(("video/", "audio/")) or mime == "application/ogg":
        return _playable(path, parts)
    if mime == "application/pdf":
        return _pdf(path, parts)
    return Made({})


def _image(path: str, parts: Parts) -> Made:
    import numpy as np
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # the limits below are ours
    with Image.open(path, formats=("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")) as image:
        orientation = image.getexif().get(0x0112, 1) if image.format != "PNG" else 1
        width, height = image.size
        turned = orientation in (5, 6, 7, 8)
        large = max(width, height) > FROM_PX
        striped = large and image.format in ("JPEG", "PNG", "TIFF") and orientation == 1
        if width * height > (_MAX_PIXELS if striped else _MAX_WHOLE_PIXELS):
            return Made({}, problem=f"The image of {width} × {height} pixels is too large to be shown.")
        if striped:
            # the level of one tile is the thumbnail's source: the image itself need not be decoded once more
            small = _add_tiles(parts, read_stripes(path), width, height)
        elif large:
            whole = ImageOps.exif_transpose(image).convert("RGB")
            small = _add_tiles(parts, array_stripes(np.asarray(whole)), whole.width, whole.height)
        else:
            image.draft("RGB", (THUMBNAIL_PX * 2, THUMBNAIL_PX * 2))
            small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        parts.add(Piece("thumbnail.jpg", "image/jpeg", _jpeg(small)))
    if turned:
        width, height = height, width
    zoom = zoom_levels(width, height)
    detail: dict[str, Any] = {
        "width": width,
        "height": height,
        "thumbnail": "thumbnail.jpg",
        "tiles": {"template": "{z}-{x}_{y}.jpg", "tile_size": TILE, "max_zoom": zoom} if large else None,
    }
    return Made(detail)


def _add_tiles(parts: Parts, stripes: Any, width: int, height: int) -> Any:
    """Writes the tiles of every level; the image of the level that is a single tile."""
    from PIL import Image

    first = b""
    for piece in tiles(stripes, width, height):
        parts.add(piece)
        if piece.name == "0-0_0.jpg":
            first = piece.content
    return Image.open(io.BytesIO(first)).convert("RGB")


def _jpeg(image: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


def _playable(path: str, parts: Parts) -> Made:
    import av

    # Without playlists and scripts among the formats nothing that a file says makes a decoder open another.
    with av.open(path, options={"protocol_whitelist": "file", "format_whitelist": _FORMATS}) as container:
        if container.streams.video and not _is_cover(container.streams.video[0]):
            return _video(container, parts)
        if container.streams.audio:
            return _audio(container, parts)
    return Made({}, problem="The file has neither pictures nor sound.")


def _is_cover(stream: Any) -> bool:
    """A picture in an audio file is no video."""
    return bool(stream.disposition.value & 0x0400) if hasattr(stream.disposition, "value") else False


def _video(container: Any, parts: Parts) -> Made:
    """Presentation times of every frame in seconds, sorted, from the packets (nothing but the first frame is decoded); times before 0,
    which an edit list cuts off, are left out."""
    stream = container.streams.video[0]
    if stream.codec_context.width * stream.codec_context.height > _MAX_FRAME_PIXELS:
        return Made({}, problem="The video's pictures are larger than 8192 × 8192 pixels.")
    base = stream.time_base
    packets, times = 0, list[float]()
    for packet in container.demux(stream):
        if packet.pts is None:
            continue
        packets += 1
        if not packet.is_discard and packet.pts >= 0:
            times.append(round(float(packet.pts * base), 6))
    times.sort()
    if not times:
        return Made({}, problem="The video has no frames.")
    if packets < stream.frames * 0.9 or _breaks_off(container, times[-1]):
        return Made({}, problem="The video cannot be decoded to its end: the file breaks off.")
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
    parts.add(Piece("poster.jpg", "image/jpeg", _jpeg(poster.convert("RGB"))))
    parts.add(Piece("frames.json", "application/json", frames))
    return Made(detail)


def _breaks_off(container: Any, last_s: float) -> bool:
    """Whether the file's head tells of a clearly longer recording than there is; `last_s`: when the last picture begins."""
    if not container.duration or not container.format.name.startswith(("mov", "matroska")):
        return False  # elsewhere the length is a guess
    promised = container.duration / 1e6
    if last_s >= promised * 0.9 or promised - last_s <= 1:
        return False
    container.seek(0)  # its sound may well be longer than its pictures
    return all(float(p.pts * p.time_base) < promised * 0.9 for p in container.demux() if p.pts is not None)


def _audio(container: Any, parts: Parts) -> Made:
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
    parts.add(Piece("peaks.json", "application/json", json.dumps(peaks, separators=(",", ":")).encode()))
    return Made(detail)


def _pdf(path: str, parts: Parts) -> Made:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    pages: list[dict[str, Any]] = []
    try:
        for n in range(min(len(document), MAX_PAGES)):
            page = document[n]
            width, height = page.get_size()
            scale = min(PAGE_DPI / 72, MAX_PAGE_PX / max(width, height, 1))
            # its signature says int; fractions are meant and work
            image = page.render(scale=scale).to_pil().convert("RGB")  # pyright: ignore[reportArgumentType]
            text = page.get_textpage().get_text_bounded()
            parts.add(Piece(f"page-{n}.jpg", "image/jpeg", _jpeg(image)))
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
    return Made({"pages": pages, "page_count": len(pages)})
