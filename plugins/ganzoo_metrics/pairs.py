"""What metrics take from pairs of features: one pass over the pairs serves all that is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ganzoo_metrics.feature_matrix import mean_of

if TYPE_CHECKING:
    from ganzoo.protocols import Features

TILE = 256
"""Rows on each side of a tile: its numbers fit into the cache of a processor. 512 took 3 to 10 % less time, and 7 MiB
more beside 17 of 5,000 features of each side through ``random-conv``."""


class Room:
    """Where the numbers of one tile after the other lie: new room for each would be scattered over the heap.

    Attributes:
        sides: (2, TILE, F), for rows and for columns.
        squares: (3, TILE, TILE).
    """

    def __init__(self, width: int) -> None:
        self.sides = torch.empty(2, TILE, width, dtype=torch.float64)
        self.squares = torch.empty(3, TILE, TILE, dtype=torch.float64)


@dataclass(frozen=True, kw_only=True)
class Side:
    """Rows (n, F) of features around a center c, in float64, with what distances and inner products need of them.

    Attributes:
        which: the rows.
        centered: x − c.
        lengths: ‖x − c‖², (n,).
        toward: ⟨x − c, c⟩, (n,).
    """

    which: slice
    centered: Tensor
    lengths: Tensor
    toward: Tensor


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Some rows of one matrix of features beside some of another. Its numbers are there until the next tile comes.

    Attributes:
        rows: of the one.
        columns: of the other; of the same matrix they are the same rows or later ones, and each pair comes once.
        offset: ‖c‖², of the center that both are around.
        itself: whether rows and columns are the same samples.
        room: for its numbers.
    """

    rows: Side
    columns: Side
    offset: Tensor
    itself: bool
    room: Room

    @cached_property
    def _products(self) -> Tensor:
        return torch.mm(self.rows.centered, self.columns.centered.T, out=self._square(0))

    @cached_property
    def distances(self) -> Tensor:
        """Squared Euclidean ones, at least 0; shared, so not to be changed."""
        found = torch.add(self.columns.lengths, self._products, alpha=-2, out=self._square(1))
        return found.add_(self.rows.lengths[:, None]).clamp_(min=0)

    def products(self, *, scale: float = 1.0, plus: float = 0.0) -> Tensor:
        """``scale`` ⟨x, y⟩ + ``plus``, which may be changed until somebody else asks for them."""
        columns = (self.columns.toward + self.offset) * scale + plus
        found = torch.add(columns, self._products, alpha=scale, out=self._square(2))
        return found.add_(self.rows.toward[:, None] * scale)

    def _square(self, number: int) -> Tensor:
        return self.room.squares[number, : len(self.rows.lengths), : len(self.columns.lengths)]


class Running(Protocol):
    """Something that is summed up over the tiles of a pass."""

    def see(self, tile: Tile) -> None:
        """Take a tile in."""
        ...

    def found(self) -> Tensor:
        """What has come of all tiles."""
        ...


class Reduction(NamedTuple):
    """What is to be found in a pass: a name that says all that it depends on, and what begins it.

    ``begin`` gets the features of rows and of columns, which within one matrix are the same object.
    """

    name: str
    begin: Callable[[Features, Features], Running]


class PairWork(NamedTuple):
    """What a metric wants of pairs of real samples, of generated ones, and of a generated with a real one."""

    real: tuple[Reduction, ...] = ()
    fake: tuple[Reduction, ...] = ()
    between: tuple[Reduction, ...] = ()


@runtime_checkable
class OverPairs(Protocol):
    """A metric that looks at pairs of features."""

    @property
    def fewest_samples(self) -> int:
        """With fewer on a side it is left out."""
        ...

    def pair_work(self) -> PairWork:
        """What it wants of them."""
        ...


class Found(NamedTuple):
    """The same fields as :class:`PairWork`, and what was found for each entry."""

    real: tuple[Tensor, ...]
    fake: tuple[Tensor, ...]
    between: tuple[Tensor, ...]


def over_pairs(metric: OverPairs, real: Features, fake: Features) -> Found:
    """What ``metric`` wants; what others of the same features want is found on the way, and kept with their facts."""
    # Where nobody keeps facts they are kept as long as this lasts.
    real, fake = (replace(side, facts=side.known()) for side in (real, fake))
    own = metric.pair_work()
    try:
        others = [one for one in fake.known().metrics if isinstance(one, OverPairs) and _enough(one, real, fake)]
        return _together(real, fake, [own, *(one.pair_work() for one in others)])
    except Exception:  # somebody else's fault is told when it is that one's turn
        return _together(real, fake, [own])


def _together(real: Features, fake: Features, works: list[PairWork]) -> Found:
    # Between the sides comes last: it may need what was found within them.
    return Found(
        _found(real, real, [work.real for work in works]),
        _found(fake, fake, [work.fake for work in works]),
        _found(fake, real, [work.between for work in works]),
    )


def _enough(metric: OverPairs, *sides: Features) -> bool:
    return all(side.features is not None and len(side.features) >= metric.fewest_samples for side in sides)


def _found(rows: Features, columns: Features, works: list[tuple[Reduction, ...]]) -> tuple[Tensor, ...]:
    """Of the first of ``works``; all of them are found in one pass, but for what is known."""
    found = rows.known().found
    suffix = "" if rows is columns else f" beside {columns.known().digest}"
    missing = {f"{one.name}{suffix}": one for work in works for one in work}
    missing = {name: one for name, one in missing.items() if found.get(name) is None}
    begun = {name: one.begin(rows, columns) for name, one in missing.items()}
    if begun:
        for tile in tiles(rows.known().of, None if rows is columns else columns.known().of):
            for running in begun.values():
                running.see(tile)
    found.update({name: running.found() for name, running in begun.items()})
    return tuple(found[f"{one.name}{suffix}"] for one in works[0])


def within(features: Features, wanted: Reduction) -> Tensor:
    """What is found in the pairs of one matrix."""
    return _found(features, features, [(wanted,)])[0]


def tiles(rows: Tensor, others: Tensor | None = None) -> Iterator[Tile]:
    """All pairs of rows (N, F) and others (M, F), block by block, converted block by block: copies take little room.

    Both are seen around the mean of the others, so that distances keep their digits far from the origin. Without others
    the pairs are those of rows among themselves, and each comes once.
    """
    columns = rows if others is None else others
    center, room = mean_of(columns), Room(rows.shape[1])
    offset = center.square().sum()
    for which in _slices(0, len(rows)):
        here = _side(rows, which, center, room.sides[0])
        for other in _slices(which.start if others is None else 0, len(columns)):
            itself = others is None and other == which
            there = here if itself else _side(columns, other, center, room.sides[1])
            yield Tile(rows=here, columns=there, offset=offset, itself=itself, room=room)


def _slices(start: int, stop: int) -> Iterator[slice]:
    for first in range(start, stop, TILE):
        yield slice(first, min(first + TILE, stop))


def _side(features: Tensor, which: slice, center: Tensor, room: Tensor) -> Side:
    centered = room[: which.stop - which.start].copy_(features[which]).sub_(center)
    lengths = torch.linalg.vecdot(centered, centered)
    return Side(which=which, centered=centered, lengths=lengths, toward=centered @ center)
