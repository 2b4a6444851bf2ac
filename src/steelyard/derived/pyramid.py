"""Deep-zoom tiles of large images in bounded memory. Runs in the process pool: numeric libraries are imported inside functions only.

Levels: `max_zoom` is the image itself, each one below has half its width and height (rounded up), down to a level of one tile. Tiles are
JPEG of TILE pixels a side, named `z-x_y.jpg`. Rows of tiles are read from the top down, so that no more than a few rows of the image are
in memory at any level.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steelyard.derived.model import Piece

if TYPE_CHECKING:
    import numpy as np

TILE = 512
QUALITY = 85
FROM_PX = 4096
"""Images larger than this on a side get tiles; smaller ones are shown whole."""


def zoom_levels(width: int, height: int) -> int:
    """The number of the full-size level; level 0 fits into one tile."""
    return max(0, math.ceil(math.log2(max(width, height) / TILE)))


def tiles(stripes: Iterator[Any], width: int, height: int) -> Iterator[Piece]:
    """Tiles of every level from an image that comes in stripes: uint8 arrays of shape (rows ≤ TILE, width, 3), top to bottom, all but the
    last of TILE rows."""
    top = zoom_levels(width, height)
    pending: dict[int, list[np.ndarray]] = {}
    row_of = dict.fromkeys(range(top + 1), 0)

    def add(level: int, stripe: Any, *, last: bool) -> Iterator[Piece]:
        import numpy as np

        if stripe is not None:
            pending.setdefault(level, []).append(stripe)
        held = pending.get(level, [])
        rows = sum(len(s) for s in held)
        while rows >= TILE or (last and rows):
            whole = np.concatenate(held) if len(held) > 1 else held[0]
            now, rest = whole[:TILE], whole[TILE:]
            y = row_of[level]
            row_of[level] = y + 1
            for x in range(math.ceil(now.shape[1] / TILE)):
                tile = now[:, x * TILE : (x + 1) * TILE]
                yield Piece(f"{level}-{x}_{y}.jpg", "image/jpeg", _jpeg(tile))
            if level > 0:
                yield from add(level - 1, _halved(now), last=False)
            held = [rest] if len(rest) else []
            pending[level] = held
            rows = len(rest)
        if last and level > 0:
            yield from add(level - 1, None, last=True)

    for stripe in stripes:
        yield from add(top, stripe, last=False)
    yield from add(top, None, last=True)


def _halved(stripe: Any) -> Any:
    """Half the width and height by the mean of 2 × 2 pixels; odd edges are repeated."""
    import numpy as np

    rows, columns = stripe.shape[:2]
    if rows % 2 or columns % 2:
        stripe = np.pad(stripe, ((0, rows % 2), (0, columns % 2), (0, 0)), mode="edge")
    rows, columns = stripe.shape[0] // 2, stripe.shape[1] // 2
    blocks = stripe.reshape(rows, 2, columns, 2, 3)
    return (blocks.mean(axis=(1, 3)) + 0.5).astype(np.uint8)


def _jpeg(tile: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(tile).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def read_stripes(path: str) -> Iterator[Any]:
    """Stripes of TILE rows of an image file as 8-bit RGB, without decoding the whole. `path`: a local JPEG, PNG or TIFF."""
    import warnings

    import numpy as np
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.windows import Window

    warnings.simplefilter("ignore", NotGeoreferencedWarning)  # pictures are no maps

    with Path(path).open("rb") as file:
        head = file.read(4)
    # One named driver: none of GDAL's many others, some of which read other files or addresses, ever sees the content.
    driver = "JPEG" if head.startswith(b"\xff\xd8") else "PNG" if head == b"\x89PNG" else "GTiff"
    alone = rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=64)
    with alone, rasterio.open(path, driver=driver) as image:
        bands = [1, 2, 3] if image.count >= 3 else [1]
        for y in range(0, image.height, TILE):
            rows = min(TILE, image.height - y)
            data = image.read(bands, window=Window(0, y, image.width, rows))  # pyright: ignore[reportCallIssue]
            if data.dtype != np.uint8:
                data = (data >> 8 if data.dtype == np.uint16 else np.clip(data, 0, 255)).astype(np.uint8)
            if len(bands) == 1:
                data = np.repeat(data, 3, axis=0)
            yield np.moveaxis(data, 0, -1)


def array_stripes(image: Any) -> Iterator[Any]:
    """The same from a decoded image of shape (height, width, 3)."""
    for y in range(0, image.shape[0], TILE):
        yield image[y : y + TILE]
