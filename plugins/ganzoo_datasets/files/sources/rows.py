"""Pictures that are rows of arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.axes import Axes
from ganzoo_datasets.files.arrays.stored import Header
from ganzoo_datasets.files.pixels.raster import HIDDEN, Raster, UnreadablePicture
from ganzoo_datasets.files.pixels.scaling import Range
from ganzoo_datasets.files.sources.files import state_of

STATED: Mapping[np.dtype[Any], Range] = {
    np.dtype(np.bool_): (0, 1),
    np.dtype(np.uint8): (0, 255),
    np.dtype(np.uint16): (0, 65535),
}
"""Types whose range is certain. Other integers are often counts or calibrated values."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One array of pictures.

    Attributes:
        file: what holds it.
        header: shape and type.
        axes: how a row becomes a picture.
        blocks: the rows from one on, in order.
    """

    file: Path
    header: Header
    axes: Axes
    blocks: Callable[[int], Iterator[NDArray[Any]]]


@dataclass(frozen=True)
class RowSource:
    """Rows of arrays, called ``ARRAY[ROW]``; read one after another, so that only a few megabytes are in memory.

    Args:
        place: the file or folder.
        stacks: name of each array → the array.
        range_given: whether the owner states the range of the values, so that no type is refused for its own.
    """

    place: Path
    stacks: Mapping[str, Stack]
    range_given: bool = False
    in_order: bool = True
    _at: _Forward = field(default_factory=lambda: _Forward(), init=False, repr=False, compare=False)

    @property
    def identity(self) -> str:
        """Where the arrays lie, and how their axes are read."""
        axes = [f"{name} {stack.axes.shape}" for name, stack in self.stacks.items()]
        return "\n".join((os.fspath(self.place.resolve()), *axes))

    def state(self, name: str) -> str:
        """Size and time of the file."""
        return self._states[name.rpartition("[")[0]]

    def size(self, name: str) -> tuple[int, int] | None:
        """Width and height, from the shape of the array."""
        return self._sizes[name.rpartition("[")[0]]

    def raster(self, name: str, *, at_least: int | None) -> Raster:
        """The row, with the range of its type; floats run from 0 or from -1 to 1.

        Raises:
            UnreadablePicture: it has opacity of a range that is not known.
            DataError: the file is broken, or its floats have another range.
        """
        array, _, row = name.rpartition("[")
        stack = self.stacks[array]
        values = stack.axes.turn(self._at.row(stack, int(row.removesuffix("]"))))
        stated = STATED.get(stack.header.kind.newbyteorder("=")) or self._range_of_floats
        flat, notes = over_white(values, stated)
        return Raster(flat, stated, values.ndim == 3, notes=notes)

    @cached_property
    def _states(self) -> dict[str, str]:
        return {name: state_of(stack.file) for name, stack in self.stacks.items()}

    @cached_property
    def _sizes(self) -> dict[str, tuple[int, int]]:
        sizes = {name: stack.axes.size(stack.header) for name, stack in self.stacks.items()}
        return {name: (size[1], size[0]) for name, size in sizes.items()}

    @cached_property
    def _range_of_floats(self) -> Range | None:
        """The same for all arrays: a test set may happen to lack what is below zero."""
        if self.range_given:
            return None
        found = [_range(name, stack) for name, stack in self.stacks.items() if stack.header.kind.kind == "f"]
        lowest, highest = min(low for low, _ in found), max(high for _, high in found)
        if lowest < -1 or highest > 1:
            raise DataError(
                f"{self.place}: floats without a known range",
                given=f"values from {lowest:g} to {highest:g}",
                allowed="floats from 0 to 1 or from -1 to 1; other ranges are stated with data.range",
                hint="--set data.range=measured",
            )
        return (0, 1) if lowest >= 0 else (-1, 1)


def over_white(values: NDArray[Any], stated: Range | None) -> tuple[NDArray[Any], tuple[str, ...]]:
    """(H, W, 4) → (H, W, 3), laid over white, and what there is to note; everything else as it is.

    Raises:
        UnreadablePicture: it is not known which values are opaque.
    """
    if values.ndim != 3 or values.shape[2] != 4:
        return values, ()
    if stated is None:
        raise UnreadablePicture("it is not known which values of its fourth channel are opaque; save it without it")
    lowest, highest = stated
    opacity = (values[..., 3:].astype(np.float64) - lowest) / (highest - lowest)
    if not opacity.any():
        return values[..., :3], (HIDDEN,)
    laid = values[..., :3] * opacity + highest * (1 - opacity)
    return np.floor(laid + 0.5).astype(values.dtype) if values.dtype.kind in "bui" else laid, ()


@dataclass
class _Forward:
    """Where the reading stands: the block of rows that was read last, and those that follow it."""

    lock: Lock = field(default_factory=Lock)
    stack: Stack | None = None
    start: int = 0
    block: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    rest: Iterator[NDArray[Any]] = field(default_factory=lambda: iter(()))

    def row(self, stack: Stack, row: int) -> NDArray[Any]:
        """One row; quick if it follows the one before."""
        with self.lock:
            if stack is not self.stack or row < self.start:
                self.stack, self.start, self.block, self.rest = stack, row, np.empty(0), stack.blocks(row)
            while row >= self.start + len(self.block):
                self.start += len(self.block)
                self.block = next(self.rest)
            found: NDArray[Any] = self.block[row - self.start]
            return found


def _range(name: str, stack: Stack) -> Range:
    lowest, highest = np.inf, -np.inf
    for block in stack.blocks(0):
        lowest, highest = min(lowest, float(block.min())), max(highest, float(block.max()))
        if not np.isfinite(lowest + highest):
            raise DataError(
                f"{stack.file}: some values of {name} are NaN or infinite",
                given=f"{stack.header}",
                allowed="finite values",
                hint="save it again without them, such as numpy.nan_to_num(ARRAY)",
            )
    return lowest, highest
