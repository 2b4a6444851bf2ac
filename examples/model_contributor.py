"""A model contributor: labels bright blobs on images with scikit-image, as one of the people who work on a project, or before them where the
project's workflow has `prelabel`: then people see its boxes as the task's hypothesis and correct them. The program is the same.

    pip install scikit-image
    python examples/model_contributor.py http://127.0.0.1:8000 live_… "night sky" --label star

The key is that of a member who is assigned to the project; give the program a member of its own, so that its figures are its own.
Without --once it waits for more work until it is interrupted; what it has begun it finishes.
"""

from __future__ import annotations

import argparse
import io
import logging
from typing import Any

import numpy as np
from skimage import color, filters, measure, morphology
from skimage import io as images

from steelyard.client import Client, Skip, Work


def boxes_of(image: bytes, label: str, min_area: int = 30) -> list[dict[str, Any]]:
    """Boxes around what stands out from a dark background: threshold by Otsu, clean up, connected regions."""
    pixels = images.imread(io.BytesIO(image))
    if pixels.ndim == 3:
        pixels = color.rgb2gray(pixels[..., :3])
    if float(np.ptp(pixels)) == 0.0:
        return []
    mask = morphology.opening(pixels > filters.threshold_otsu(pixels), morphology.disk(1))
    return [
        {
            "type": "box",
            "label": label,
            "left": int(left),
            "top": int(top),
            "width": int(right - left),
            "height": int(bottom - top),
        }
        for top, left, bottom, right in (
            region.bbox for region in measure.regionprops(measure.label(mask)) if region.area >= min_area
        )
    ]


def main() -> None:
    """Works until interrupted, or until nothing is left with --once."""
    parser = argparse.ArgumentParser(description="Labels blobs on images.")
    parser.add_argument("address")
    parser.add_argument("key")
    parser.add_argument("project")
    parser.add_argument("--label", default="blob", help="the label of the boxes")
    parser.add_argument("--once", action="store_true", help="end when there is nothing to do")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    def label(work: Work) -> dict[str, Any]:
        try:
            found = boxes_of(work.read_media(), given.label)
        except (OSError, ValueError) as e:
            raise Skip(f"The image cannot be read: {e}") from e
        print(f"task {work.task['task_id']}: {len(found)} boxes", flush=True)
        return {"annotations": found}

    done = Client(given.address, given.key).run(
        label, projects=[given.project], types=["imageannotation"], until_empty=given.once
    )
    print(f"{done} answers submitted")


if __name__ == "__main__":
    main()
