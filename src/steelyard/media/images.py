"""Looking into images. Runs in the process pool: Pillow is imported inside the function only."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

MAX_SIDE_PX = 10_000

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


def inspect_image(source: bytes | str) -> ImageFacts:
    """Reads an image's header (`source`: its bytes, or the path of a file). Never raises: what cannot be read is a `problem`."""
    import io
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Only the header is read, so a large image costs nothing here; the limit below is ours.
            Image.MAX_IMAGE_PIXELS = None
            opened = io.BytesIO(source) if isinstance(source, bytes) else Path(source)
            with Image.open(opened, formats=("JPEG", "PNG", "BMP", "GIF", "TIFF")) as image:
                width, height = image.size
                mime = _MIME.get(image.format or "", "")
                if image.format == "PNG":  # its getexif() would decode the whole image
                    exif = Image.Exif()
                    exif.load(image.info.get("exif") or b"")
                else:
                    exif = image.getexif()
                if exif.get(0x0112) in (5, 6, 7, 8):
                    width, height = height, width
                if image.format == "PNG":
                    image.verify()
    except Exception:
        return ImageFacts(problem="The image is damaged or of an unknown kind.")
    if width > MAX_SIDE_PX or height > MAX_SIDE_PX:
        return ImageFacts(
            width,
            height,
            mime,
            f"The image is {width} × {height} pixels; at most {MAX_SIDE_PX} in either dimension are allowed.",
        )
    return ImageFacts(width, height, mime)
