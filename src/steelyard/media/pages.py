"""The pages of a document and their sizes (task-types-text §8.3). Runs in the process pool: libraries are imported inside the function."""

from __future__ import annotations

import math
from pathlib import Path

from steelyard.media.images import inspect_image

DPI = 150
"""At which pages of PDF files are drawn: A4 is 1240 × 1754 pixels."""
MAX_PAGES = 2000
MAX_PIXELS = 120_000_000
"""Of a page of a TIFF file that is drawn."""


def page_sizes(path: str) -> list[tuple[int, int]]:
    """Width and height in pixels of every page of a PDF or TIFF file, or of a picture.

    Empty where the file cannot be read or has too many pages.
    """
    with Path(path).open("rb") as file:
        head = file.read(8)
    try:
        if head.startswith(b"%PDF"):
            return _pdf(path)
        if head[:4] in (b"II*\0", b"MM\0*"):
            return _tiff(path)
    except Exception:
        return []
    facts = inspect_image(path)
    return [(facts.width, facts.height)] if facts.width and facts.height else []


def draw_frame(path: str, n: int) -> bytes | None:
    """Page `n` of a TIFF file as JPEG, as large as `page_sizes` says; None where it cannot be drawn."""
    import io

    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(Path(path), formats=("TIFF",)) as image:
            image.seek(n)
            if image.width * image.height > MAX_PIXELS:
                return None
            out = io.BytesIO()
            ImageOps.exif_transpose(image).convert("RGB").save(out, "JPEG", quality=82)
    except Exception:
        return None
    return out.getvalue()


def _pdf(path: str) -> list[tuple[int, int]]:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        if len(document) > MAX_PAGES:
            return []
        scale = DPI / 72  # a point is 1/72 inch
        sizes = [document.get_page_size(n) for n in range(len(document))]
    finally:
        document.close()
    return [(max(1, math.ceil(w * scale)), max(1, math.ceil(h * scale))) for w, h in sizes]  # as it is drawn


def _tiff(path: str) -> list[tuple[int, int]]:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # only headers are read
    sizes: list[tuple[int, int]] = []
    with Image.open(Path(path), formats=("TIFF",)) as image:
        for n in range(min(getattr(image, "n_frames", 1), MAX_PAGES + 1)):
            image.seek(n)
            width, height = image.size
            if image.getexif().get(0x0112) in (5, 6, 7, 8):
                width, height = height, width
            sizes.append((width, height))
    return sizes if len(sizes) <= MAX_PAGES else []
