"""A decoded picture before its values become 8-bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo_datasets.files.pixels.scaling import Range

MAX_PIXELS = 178_956_970
"""A file whose header states more pixels counts as a decompression bomb."""

FRAMES = "have several frames or pages; only the first is used"
HIDDEN = "are transparent everywhere; their transparency is ignored"
BESIDE_COLOR = "have a channel beside their colors that is not transparency; it is left out"
NO_END = "are JPEG files that lack their end marker, but no pixel"
"""What a reader did to a picture; these follow "3 of 10 images"."""


class UnreadablePicture(Exception):
    """Why a picture cannot be used."""


@dataclass(frozen=True)
class Raster:
    """What a file holds, upright, transparency laid over white.

    Attributes:
        values: (H, W) gray or (H, W, 3) color; integers or floats.
        stated: the lowest and highest value that the file can hold, as it states itself: 0 and 4095 for 12 bits;
            ``None`` where it does not, as with floats.
        color: whether the file's mode has color, whatever its pixels.
        further: whether further frames or pages were left out.
        size: width and height of the whole picture, where a reader has shrunk it; else those of the values.
        inverted: whether the lowest value is white.
        notes: what was done to the picture, besides its frames.
        depth: the kind of range; two kinds in one set cannot be compared. Empty: the stated range is its kind.
        toned: (H, W) the picture as the file states it, where that is by a curve instead of a range; used unless the
            owner of the data states a range.
    """

    values: NDArray[Any]
    stated: Range | None
    color: bool
    further: bool = False
    size: tuple[int, int] | None = None
    inverted: bool = False
    notes: tuple[str, ...] = ()
    depth: str = ""
    toned: NDArray[np.uint8] | None = None

    @property
    def full_size(self) -> tuple[int, int]:
        """Width and height of the picture as it is kept."""
        return self.size or (self.values.shape[1], self.values.shape[0])

    @property
    def shrunk(self) -> bool:
        """Whether values were averaged while decoding, so that the extreme ones may be gone."""
        return self.full_size != (self.values.shape[1], self.values.shape[0])

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes, that of the frames included."""
        return (FRAMES, *self.notes) if self.further else self.notes

    @property
    def kind_of_range(self) -> str:
        """The depth in words."""
        if self.depth or self.stated is None:
            return self.depth or "no stated range"
        return f"{self.stated[0]:.6g} to {self.stated[1]:.6g}"


def refuse_bombs(width: int, height: int) -> None:
    """Before anything is decoded.

    Raises:
        UnreadablePicture: a header states more pixels than any picture has.
    """
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(
            f"a decompression bomb? Image size ({width * height} pixels) exceeds limit of {MAX_PIXELS} pixels"
        )
