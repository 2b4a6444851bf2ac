"""`python -m tests.bench.gigapixel [SIDE]`: a picture of nearly a gigapixel is checked and cut into tiles; the time, and the memory of the process that does it.

The picture is made here, as a TIFF in tiles and as a JPEG, in a folder of its own that takes 2 GB of the temporary folder.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from steelyard.derived.make import make_derived
from steelyard.derived.model import Made
from steelyard.media.images import inspect_image

SIDE = 31_600
_ROWS = 512


def make_picture(path: Path, side: int) -> None:
    """Gradients with noise, so that it compresses about as a photograph does."""
    noise = np.random.default_rng(1).integers(0, 24, (3, _ROWS, side), dtype=np.uint8)
    across = np.linspace(0, 200, side, dtype=np.float32)
    options: dict[str, Any] = {
        "width": side,
        "height": side,
        "count": 3,
        "dtype": "uint8",
        "tiled": True,
    }
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        compress="jpeg",
        photometric="ycbcr",
        blockxsize=_ROWS,
        blockysize=_ROWS,
        bigtiff="yes",
        **options,
    ) as out:
        for y in range(0, side, _ROWS):
            rows = min(_ROWS, side - y)
            down = np.linspace(y, y + rows, rows, dtype=np.float32)[:, None] * (50 / side)
            out.write(noise[:, :rows] + (across + down).astype(np.uint8), window=Window(0, y, side, rows))


def _most_mib() -> float:
    """The most memory that this process has had resident."""
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _tiled(path: str, mime: str, out: str, answer: Any) -> None:
    before = _most_mib()
    began = time.perf_counter()
    problem = inspect_image(path, 65_500).problem  # what a task's attachment goes through before
    made: Made = make_derived(path, mime, "image", out)
    seconds = time.perf_counter() - began
    answer.send((problem or made.problem, len(made.parts), seconds, before, _most_mib()))


def main() -> None:
    """Makes the picture and prints a line for each kind."""
    side = int(sys.argv[1]) if len(sys.argv) > 1 else SIDE
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="steelyard-gigapixel-") as name:
        folder = Path(name)
        tiff, jpeg = folder / "picture.tif", folder / "picture.jpg"
        make_picture(tiff, side)
        rasterio.shutil.copy(tiff, jpeg, driver="JPEG", quality=85)
        for path, mime in ((tiff, "image/tiff"), (jpeg, "image/jpeg")):
            ours, theirs = spawn.Pipe()
            child = spawn.Process(target=_tiled, args=(str(path), mime, str(folder / "tiles"), theirs))
            child.start()
            problem, parts, seconds, before, highest = ours.recv()
            child.join()
            size, tiles = path.stat().st_size, (folder / "tiles").stat().st_size
            print(
                f"{mime} {side} × {side}, {size / 1e6:,.0f} MB: {parts} parts, {tiles / 1e6:,.0f} MB, in {seconds:.0f} s;"
                f" memory of the process at most {highest:.0f} MiB ({before:.0f} before){problem or ''}",
                flush=True,
            )


if __name__ == "__main__":
    main()
