"""What is learned about a set of pictures while their pixels pass by."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganzoo_datasets.files.pixels.picture import Picture


@dataclass
class Depth:
    """The pictures of a set that state the same kind of range.

    Attributes:
        count: how many there are.
        range: the values that became 0 and 255; the widest where they differ.
        found: the lowest and highest value that occurs, in the files' own units.
    """

    count: int
    range: list[float]
    found: list[float]

    def merge(self, other: Depth) -> Depth:
        """All pictures of both."""
        return Depth(self.count + other.count, _hull(self.range, other.range), _hull(self.found, other.found))


@dataclass
class Seen:
    """What is true of all pictures so far; kept beside the cached pixels, as plain data.

    Attributes:
        color: whether any file's mode has color.
        notes: what was done to pictures → their names.
        smallest: width and height of the picture with the shortest side, and among these with the fewest pixels.
        largest: and of that with the most.
        elongated: how many have a center square of less than a third of them.
        depths: kind of stated range → what its pictures hold.
        lowest: lowest value of all squares, 0 to 255, in each channel.
        highest: highest value of all squares in each channel.
    """

    color: bool = False
    notes: dict[str, list[str]] = field(default_factory=dict)
    smallest: list[int] = field(default_factory=list)
    largest: list[int] = field(default_factory=list)
    elongated: int = 0
    depths: dict[str, Depth] = field(default_factory=dict)
    lowest: list[int] = field(default_factory=list)
    highest: list[int] = field(default_factory=list)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Seen:
        """What :func:`dataclasses.asdict` made of it."""
        return cls(**{**values, "depths": {name: Depth(**depth) for name, depth in values["depths"].items()}})

    def is_plausible(self, *, pictures: int) -> bool:
        """Whether each part has the type that is written: what was read from a file may have any.

        Args:
            pictures: of how many it is said; sizes and values are there if there are any.
        """
        told = (self.smallest, self.largest, self.lowest, self.highest)
        if pictures and not all(told):
            return False
        depths = self.depths.values()
        pairs = [self.smallest, self.largest, *(one.range for one in depths), *(one.found for one in depths)]
        return (
            type(self.color) is bool
            and type(self.elongated) is int
            and all(isinstance(names, list) for names in self.notes.values())
            and all(type(one.count) is int for one in depths)
            and all(_are_numbers(pair, lengths=(0, 2)) for pair in pairs)
            and _are_numbers(self.lowest)
            and _are_numbers(self.highest)
        )

    @property
    def found(self) -> list[float]:
        """The lowest and highest value that occurs in any file; empty without pictures."""
        found: list[float] = []
        for depth in self.depths.values():
            found = _hull(found, depth.found)
        return found

    def add(self, name: str, picture: Picture) -> None:
        """One more picture."""
        width, height = picture.size
        one = Seen(
            color=picture.color,
            notes={note: [name] for note in picture.notes},
            smallest=[width, height],
            largest=[width, height],
            elongated=int(3 * min(width, height) < max(width, height)),
            depths={picture.depth: Depth(1, list(picture.range), list(picture.found))},
            lowest=picture.pixels.min((1, 2)).tolist(),
            highest=picture.pixels.max((1, 2)).tolist(),
        )
        self.merge(one)

    def merge(self, other: Seen) -> None:
        """All pictures of another."""
        self.color |= other.color
        for note, names in other.notes.items():
            self.notes[note] = self.notes.get(note, []) + names
        self.smallest = min(filter(None, (self.smallest, other.smallest)), key=_extent, default=[])
        self.largest = max(filter(None, (self.largest, other.largest)), key=_extent, default=[])
        self.elongated += other.elongated
        for name, depth in other.depths.items():
            self.depths[name] = self.depths[name].merge(depth) if name in self.depths else depth
        self.lowest = _each(min, self.lowest, other.lowest)
        self.highest = _each(max, self.highest, other.highest)


def _are_numbers(values: object, *, lengths: Sequence[int] = ()) -> bool:
    if not isinstance(values, list) or (lengths and len(values) not in lengths):
        return False
    return all(type(value) in (int, float) for value in values)


def _extent(size: list[int]) -> tuple[int, int]:
    """By the shorter side first: a line of many pixels is not a large picture."""
    return min(size), math.prod(size)


def _hull(one: list[float], other: list[float]) -> list[float]:
    if not one or not other:
        return one or other
    return [min(one[0], other[0]), max(one[1], other[1])]


def _each(choose: Callable[[int, int], int], one: list[int], other: list[int]) -> list[int]:
    if not one or not other:
        return one or other
    return [choose(*pair) for pair in zip(one, other, strict=True)]
