"""A decoded picture before its values become 8-bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


class UnreadablePicture(Exception):
    """Why a picture cannot be used."""


@dataclass(frozen=True)
class Raster:
    """What a file holds, upright, brighter where the values are higher, transparency laid over white.

    Attributes:
        values: (H, W) gray or (H, W, 3) color; integers or floats.
        stated: the lowest and highest value that the file can hold, as it states itself: 0 and 4095 for 12 bits.
        color: whether the file's mode has color, whatever its pixels.
        further: whether further frames or pages were left out.
        size: width and height of the whole picture, where a reader has shrunk it; else those of the values.
    """

    values: NDArray[Any]
    stated: tuple[float, float]
    color: bool
    further: bool = False
    size: tuple[int, int] | None = None

    @property
    def full_size(self) -> tuple[int, int]:
        """Width and height of the picture as it is kept."""
        return self.size or (self.values.shape[1], self.values.shape[0])
