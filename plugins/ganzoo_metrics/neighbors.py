"""How far the nearest others are, and whose neighborhoods reach whom, in pairs of features."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganzoo_metrics.distances import widened
from ganzoo_metrics.pairs import Reduction, Tile, within

if TYPE_CHECKING:
    from ganzoo.protocols import Features


def nearest_others(k: int) -> Reduction:
    """(N,) squared distance of each row to its k-th nearest other row; at least k + 1 rows."""
    return Reduction(f"ganzoo_metrics 1: nearest other {k}", partial(_NearestOthers, k))


def inside_balls(k: int) -> Reduction:
    """Rows beside columns: how many rows lie in a ball around a column, and how many columns in one around a row.

    The radius of a ball is the distance to the k-th nearest other of its own matrix.
    """
    return Reduction(f"ganzoo_metrics 1: inside balls {k}", partial(_InsideBalls, k))


def filled_balls(k: int) -> Reduction:
    """(M,) how many rows lie in the ball around each column, with the radius of :func:`inside_balls`."""
    return Reduction(f"ganzoo_metrics 1: filled balls {k}", partial(_FilledBalls, k))


class _NearestOthers:
    def __init__(self, k: int, rows: Features, columns: Features) -> None:
        self._nearest = torch.full((len(rows.known().of), k), torch.inf, dtype=torch.float64)

    def see(self, tile: Tile) -> None:
        if tile.itself:
            self._keep(tile.rows.which, tile.distances.clone().fill_diagonal_(torch.inf))
            return
        # Each pair is looked at once, from both of its ends.
        self._keep(tile.rows.which, tile.distances)
        self._keep(tile.columns.which, tile.distances.T)

    def _keep(self, which: slice, distances: Tensor) -> None:
        before = self._nearest[which]
        k = before.shape[1]
        near = distances.topk(min(k, distances.shape[1]), dim=1, largest=False, sorted=False).values
        self._nearest[which] = torch.cat([before, near], dim=1).topk(k, dim=1, largest=False).values

    def found(self) -> Tensor:
        return self._nearest.amax(1)


class _InsideBalls:
    def __init__(self, k: int, rows: Features, columns: Features) -> None:
        sides, others = (rows, columns), columns.known().of
        self._radii = [widened(within(side, nearest_others(k)), side.known().of, others) for side in sides]
        self._inside = [torch.zeros(len(radii), dtype=torch.bool) for radii in self._radii]

    def see(self, tile: Tile) -> None:
        rows, columns = tile.rows.which, tile.columns.which
        # A difference is at most 0 where one number is at most the other, and its least is found faster than any.
        self._inside[0][rows] |= (tile.distances - self._radii[1][columns]).amin(1) <= 0
        self._inside[1][columns] |= (tile.distances - self._radii[0][rows, None]).amin(0) <= 0

    def found(self) -> Tensor:
        return torch.stack([inside.sum() for inside in self._inside])


class _FilledBalls:
    def __init__(self, k: int, rows: Features, columns: Features) -> None:
        self._radii = widened(within(columns, nearest_others(k)), columns.known().of, columns.known().of)
        self._filled = torch.zeros(len(self._radii), dtype=torch.int64)

    def see(self, tile: Tile) -> None:
        columns = tile.columns.which
        self._filled[columns] += (tile.distances <= self._radii[columns]).sum(0)

    def found(self) -> Tensor:
        return self._filled
