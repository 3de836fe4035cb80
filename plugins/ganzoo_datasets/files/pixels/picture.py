"""One picture of a source → a square uint8 array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture
from ganzoo_datasets.files.pixels.scaling import Range, eight_bit
from ganzoo_datasets.files.pixels.square import Fit, square
from ganzoo_datasets.files.sources.source import Source


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How pictures become squares; one rule for all of a set.

    Attributes:
        size: side of the square.
        channels: 1 or 3.
        fit: what happens to a picture that is no square.
        range: the values that become 0 and 255; ``None`` = those that each file states.
    """

    size: int
    channels: int
    fit: Fit = "crop"
    range: Range | None = None


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (C, S, S).
        color: whether the file's mode has color, whatever its pixels.
        further: whether further frames or pages were left out.
        size: width and height of the whole picture.
        stated: the range that the file states.
        found: lowest and highest value that occurs, in the file's own units.
    """

    pixels: NDArray[np.uint8]
    color: bool
    further: bool
    size: tuple[int, int]
    stated: Range
    found: Range


def read_picture(source: Source, name: str, rule: Rule) -> Picture:
    """Decode a picture in full and make it a square.

    Raises:
        UnreadablePicture: corrupt, truncated, too large, not readable, or with pixels without a stated range.
    """
    # A JPEG decodes several times faster to half, a quarter or an eighth of its size; at least 2·size stays.
    raster = source.raster(name, at_least=2 * rule.size)
    found = occurring(raster)
    lowest, highest = rule.range or raster.stated
    image = Image.fromarray(eight_bit(raster.values, lowest, highest)).convert("RGB" if rule.channels == 3 else "L")
    pixels = square(image, rule.size, rule.fit).reshape(rule.size, rule.size, rule.channels).transpose(2, 0, 1)
    return Picture(pixels, raster.color, raster.further, raster.full_size, raster.stated, found)


def occurring(raster: Raster) -> Range:
    """The lowest and the highest value of a picture.

    Raises:
        UnreadablePicture: some values are not finite.
    """
    values: NDArray[Any] = raster.values
    lowest, highest = float(values.min()), float(values.max())
    if not np.isfinite(lowest + highest):
        raise UnreadablePicture("some of its values are NaN or infinite")
    return lowest, highest
