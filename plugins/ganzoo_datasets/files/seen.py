"""What is learned about a set of pictures while their pixels pass by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ganzoo_datasets.files.pixels.picture import Picture


@dataclass
class Seen:
    """What is true of all pictures so far; kept beside the cached pixels, as plain data.

    Attributes:
        color: whether any file's mode has color.
        further: names of those whose further frames or pages were left out.
        smallest: width and height of the picture with the fewest pixels.
        largest: and of that with the most.
        elongated: how many have a center square of less than a third of them.
        stated: the widest range that a file states.
        found: the lowest and highest value that occurs, in the files' own units.
        lowest: lowest value of all squares, 0 to 255.
        highest: highest value of all squares.
    """

    color: bool = False
    further: list[str] = field(default_factory=list)
    smallest: list[int] = field(default_factory=list)
    largest: list[int] = field(default_factory=list)
    elongated: int = 0
    stated: list[float] = field(default_factory=list)
    found: list[float] = field(default_factory=list)
    lowest: int = 255
    highest: int = 0

    def add(self, name: str, picture: Picture) -> None:
        """One more picture."""
        width, height = picture.size
        one = Seen(
            color=picture.color,
            further=[name] if picture.further else [],
            smallest=[width, height],
            largest=[width, height],
            elongated=int(3 * min(width, height) < max(width, height)),
            stated=list(picture.stated),
            found=list(picture.found),
            lowest=int(picture.pixels.min()),
            highest=int(picture.pixels.max()),
        )
        self.merge(one)

    def merge(self, other: Seen) -> None:
        """All pictures of another."""
        self.color |= other.color
        self.further += other.further
        self.smallest = min(filter(None, (self.smallest, other.smallest)), key=_area, default=[])
        self.largest = max(filter(None, (self.largest, other.largest)), key=_area, default=[])
        self.elongated += other.elongated
        self.stated = _hull(self.stated, other.stated)
        self.found = _hull(self.found, other.found)
        self.lowest, self.highest = min(self.lowest, other.lowest), max(self.highest, other.highest)


def _area(size: list[int]) -> int:
    return math.prod(size)


def _hull(one: list[float], other: list[float]) -> list[float]:
    if not one or not other:
        return one or other
    return [min(one[0], other[0]), max(one[1], other[1])]
