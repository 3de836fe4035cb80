"""Pictures in the colors of a GIF: exact where they suffice, and close to the best choice where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganzoo.evaluation.few_colors import MOST_COLORS, in_few_colors


def numbers(picture):
    return np.asarray(picture.convert("RGB")).astype(float)


def error(picture, other):
    return float(((numbers(picture) - numbers(other)) ** 2).mean() ** 0.5)


def smooth(seed, side):
    """Smooth color with noise, so that nearly every pixel has a color of its own."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    fine = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(np.clip(fine + random.integers(-9, 10, fine.shape), 0, 255).astype(np.uint8))


@given(st.integers(0, 2**32 - 1), st.integers(1, MOST_COLORS), st.integers(1, 40), st.integers(1, 40))
def test_colors_that_suffice_stay_as_they_are(seed, count, width, height):
    random = np.random.default_rng(seed)
    colors = random.integers(0, 256, (count, 3), dtype=np.uint8)
    picture = Image.fromarray(colors[random.integers(0, count, (height, width))])
    assert np.array_equal(numbers(in_few_colors(picture)), numbers(picture))


def test_all_grays_stay_as_they_are():
    picture = Image.fromarray(np.arange(256, dtype=np.uint8).repeat(300).reshape(240, 320))
    assert np.array_equal(numbers(in_few_colors(picture)), numbers(picture))


@pytest.mark.parametrize("side", [130, 300, 548])
def test_of_more_colors_the_choice_is_nearly_that_from_all_pixels(side):
    picture = smooth(side, side)
    assert picture.getcolors(10_000) is None
    found = in_few_colors(picture)
    assert (found.mode, found.size) == ("P", picture.size)
    assert len(found.getcolors()) > 0.9 * MOST_COLORS
    assert error(found, picture) < 1.1 * error(picture.quantize(MOST_COLORS), picture)


def test_a_long_picture_of_one_row_has_its_colors():
    picture = smooth(0, 200).resize((40_000, 1), Image.Resampling.NEAREST)
    assert error(in_few_colors(picture), picture) < 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_any_picture_is_taken(mode):
    """A grid in a run folder may be of somebody else's."""
    assert in_few_colors(Image.new(mode, (9, 7))).size == (9, 7)
