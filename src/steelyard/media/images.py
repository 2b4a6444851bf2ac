"""Looking into images. Runs in the process pool: libraries are imported inside functions only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

MAX_SIDE_PX = 10_000
_MAX_PX = 1_000_000_000
_WHOLE_PX = 16_000_000
_WHOLE_TIFF_PX = 100_000_000

_MIME = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
}


class ImageFacts(Struct, frozen=True):
    """Of an image file: width and height in pixels after EXIF orientation, or what is wrong with it (for the customer)."""

    width: int = 0
    height: int = 0
    mime_type: str = ""
    problem: str | None = None


def inspect_image(path: str, max_side: int = MAX_SIDE_PX) -> ImageFacts:
    """Reads an image file to its last pixel; one of more than `max_side` pixels in a dimension, or of a billion in all, is not read. Never raises: what cannot be decoded is a `problem`."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Only the header is read at first, so a large image costs nothing here; the limit below is ours.
            Image.MAX_IMAGE_PIXELS = None
            with Image.open(Path(path), formats=("JPEG", "PNG", "BMP", "GIF", "TIFF")) as image:
                width, height = image.size
                mime = _MIME.get(image.format or "", "")
                if image.format == "PNG":  # its getexif() would decode the whole image
                    exif = Image.Exif()
                    exif.load(image.info.get("exif") or b"")
                else:
                    exif = image.getexif()
                if exif.get(0x0112) in (5, 6, 7, 8):
                    width, height = height, width
                if width > max_side or height > max_side:
                    allowed = f"at most {max_side} in either dimension"
                elif width * height > _MAX_PX:
                    allowed = f"at most {_MAX_PX} in all"
                else:
                    allowed = ""
                if allowed:
                    problem = f"The image is {width} × {height} pixels; {allowed} are allowed."
                    return ImageFacts(width, height, mime, problem)
                _decode(image, path)
    except MemoryError:
        return ImageFacts(problem="The image takes more memory to decode than this server allows.")
    except Exception:
        return ImageFacts(problem="The image is damaged or of an unknown kind.")
    return ImageFacts(width, height, mime)


def _decode(image: Any, path: str) -> None:
    """Decodes the first picture of an opened file; raises whatever is wrong with it. Large ones are read in stripes."""
    stripes_from = {"PNG": _WHOLE_PX, "TIFF": _WHOLE_TIFF_PX}.get(image.format or "")
    if stripes_from is not None and image.width * image.height > stripes_from:
        from steelyard.derived.pyramid import read_stripes

        for _ in read_stripes(path):
            pass
        return
    if image.format == "JPEG":
        image.draft(
            None, (image.width // 8, image.height // 8)
        )  # an eighth of the size: all of the data, little of the work
    image.load()
