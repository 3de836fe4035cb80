"""One picture of a source → a square uint8 array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture
from ganzoo_datasets.files.pixels.scaling import Range, eight_bit, is_narrow
from ganzoo_datasets.files.pixels.square import Fit, square
from ganzoo_datasets.files.sources.source import PictureSource

NO_RANGE = "states no range"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How pictures become squares; one rule for all of a set.

    Attributes:
        size: side of the square.
        channels: 1 or 3.
        fit: what happens to a picture that is no square.
        range: the values that become 0 and 255; ``None`` = those that each file states.
        whole: whether every pixel is decoded, so that the values that occur are exact.
    """

    size: int
    channels: int
    fit: Fit = "crop"
    range: Range | None = None
    whole: bool = False


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (C, S, S).
        color: whether the file's mode has color, whatever its pixels.
        notes: what was done to it, and may be told.
        size: width and height of the whole picture.
        range: the values that became 0 and 255, in the file's own units.
        found: lowest and highest value that occurs, in the file's own units.
        depth: the kind of range that the file states.
    """

    pixels: NDArray[np.uint8]
    color: bool
    notes: tuple[str, ...]
    size: tuple[int, int]
    range: Range
    found: Range
    depth: str


def read_picture(source: PictureSource, name: str, rule: Rule) -> Picture:
    """Decode a picture in full and make it a square.

    Raises:
        UnreadablePicture: corrupt, truncated, too large, not readable, or with pixels without a stated range.
    """
    # A JPEG decodes several times faster to half, a quarter or an eighth of its size; at least 2·size stays.
    raster = source.raster(name, at_least=None if rule.whole else 2 * rule.size)
    found = occurring(raster)
    if raster.shrunk and raster.stated is not None and is_narrow(found, rule.range or raster.stated):
        # A warning may follow, and its numbers should be those of the file.
        raster = source.raster(name, at_least=None)
        found = occurring(raster)
    image = Image.fromarray(_eight_bit(raster, rule.range, found)).convert("RGB" if rule.channels == 3 else "L")
    pixels = square(image, rule.size, rule.fit).reshape(rule.size, rule.size, rule.channels).transpose(2, 0, 1)
    range_ = rule.range or (found if raster.toned is not None else raster.stated) or found
    return Picture(pixels, raster.color, raster.all_notes, raster.full_size, range_, found, depth=raster.kind_of_range)


def occurring(raster: Raster) -> Range:
    """The lowest and the highest value of a picture.

    Raises:
        UnreadablePicture: some values are not finite, or there are none.
    """
    values: NDArray[Any] = raster.values
    if not values.size:
        raise UnreadablePicture("it has no pixels")
    lowest, highest = float(values.min()), float(values.max())
    if not np.isfinite(lowest + highest):
        raise UnreadablePicture("some of its values are NaN or infinite")
    return lowest, highest


def _eight_bit(raster: Raster, chosen: Range | None, found: Range) -> NDArray[np.uint8]:
    if chosen is None and raster.toned is not None:
        pixels = raster.toned
    elif (range_ := chosen or raster.stated) is not None:
        pixels = eight_bit(raster.values, *range_)
    else:
        raise UnreadablePicture(
            f"pixels of type {raster.values.dtype.name}, for which the file {NO_RANGE}; "
            f"its values are {found[0]:.6g} to {found[1]:.6g}"
        )
    return 255 - pixels if raster.inverted else pixels
