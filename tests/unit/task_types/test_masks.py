"""Pictures put together from ready-made parts are what Pillow would have written."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from steelyard.task_types._shared.masks import encode_mask, encode_plain

RED = b"\xff\x10\x00\xff"


def opened(content: bytes):
    with Image.open(io.BytesIO(content)) as image:
        image.load()  # checks the sums of stream and chunks
        return np.asarray(image)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_mask_is_coloured_inside_and_transparent_elsewhere(data):
    width, height = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    columns, rows = data.draw(st.integers(1, width - left)), data.draw(st.integers(1, height - top))
    inside = np.random.default_rng(width * height).random((rows, columns)) > 0.4
    expected = np.zeros((height, width, 4), dtype=np.uint8)
    expected[top : top + rows, left : left + columns][inside] = list(RED)
    assert np.array_equal(opened(encode_mask(inside, left, top, width, height, RED)), expected)


@pytest.mark.parametrize("size", [(1, 1), (700, 3), (3, 900), (1200, 1100)])
def test_an_empty_mask_is_transparent_and_small(size: tuple[int, int]):
    content = encode_mask(np.zeros((0, 0), dtype=bool), 0, 0, *size, RED)
    assert opened(content).shape == (size[1], size[0], 4)
    assert not opened(content).any()
    assert len(content) < 8_000


@pytest.mark.parametrize("kind", ["uint8", "uint16", "rgba"])
def test_a_plain_picture_keeps_every_value(kind: str):
    rng = np.random.default_rng(5)
    pixels = (
        rng.integers(0, 256, (31, 17, 4), dtype=np.uint8)
        if kind == "rgba"
        else rng.integers(0, np.iinfo(kind).max, (31, 17), dtype=kind)
    )
    assert np.array_equal(opened(encode_plain(pixels)), pixels)
