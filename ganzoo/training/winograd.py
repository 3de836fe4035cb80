"""Convolutions with stride 1 by fewer products, after Toom, Cook and Winograd.

Four neighboring outputs of k taps are what a product of two polynomials is made of, and that is known from its values
at 4 + k - 1 points. So 7 products do in place of 16 for four taps, and on both axes 49 in place of 256. What the values
cost is sums, and memory that is written and read once more, so it pays where both sides have many channels.

A convolution is one sum over pictures x, taps w and maps y. With the values of each at all points,

    S(x, w, y) = Σ y[n,o,i,j] w[o,c,k,l] x[n,c,i+k,j+l] = Σ (Y y)[p,n,o] (W w)[p,o,c] (X x)[p,n,c]

over tiles of 4×4 maps, where n counts tiles as well. Maps are its derivative by y, gradients for pictures that by x, and
those for taps that by w. So each of the three comes from the other two in the same way, and gradients of any order do.

Rounding: in fp32 the error is some three to five times that of a sum of all products, about 3e-6 of what is computed
(docs/performance.md). Sources: Lavin and Gray 2015, arXiv:1509.09308, section 4, where taps are 3×3; points as Barabasz
et al. 2018 choose them, arXiv:1803.10986.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = tuple[int, int]

TILE = 4
"""Maps of a tile, down and across."""
POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5)
"""Small powers of two, which round nothing; the last point is always at infinity."""
MOST_TAPS = 4
"""Down and across: five would need another point, at which more digits are lost."""
WORTH = 200
"""Products saved for each value at a point, at least: those are written and read, which takes time too."""
VALUES = 1 << 22
"""Of pictures and maps at a time, about: more take memory and leave the processor's cache, fewer make small products."""
KINDS = PICTURES, TAPS, MAPS = range(3)

class Shape(NamedTuple):
    """Of a convolution.

    Attributes:
        taps: down and across, k.
        padding: rows above and below, columns left and right.
        pictures: height and width of what is convolved.
        maps: height and width of what comes of it.
    """

    taps: int
    padding: Pair
    pictures: Pair
    maps: Pair

    @property
    def points(self) -> int:
        return TILE + self.taps - 1

    @property
    def tiles(self) -> Pair:
        return -(-self.maps[0] // TILE), -(-self.maps[1] // TILE)


def shape_of(x: Tensor, weight: Tensor, padding: Pair) -> Shape:
    taps, (height, width) = weight.shape[2], x.shape[2:]
    maps = height + 2 * padding[0] - taps + 1, width + 2 * padding[1] - taps + 1
    return Shape(taps, padding, (height, width), maps)


def pays(x: Tensor, weight: Tensor, padding: Pair) -> bool:
    """Whether it takes less time than torch's convolution."""
    (made, given, *taps), shape = weight.shape, shape_of(x, weight, padding)
    if not 1 < taps[0] == taps[1] <= MOST_TAPS or min(shape.maps) < 1:
        return False
    tiles, points = len(x) * shape.tiles[0] * shape.tiles[1], shape.points**2
    direct = len(x) * shape.maps[0] * shape.maps[1] * taps[0] ** 2 * made * given
    values = points * (tiles * (made + given) + made * given)
    return direct - points * tiles * made * given >= WORTH * values


def convolution(x: Tensor, weight: Tensor, padding: Pair) -> Tensor:
    """``F.conv2d`` with stride 1, up to rounding.

    Args:
        x: (N, C, H, W).
        weight: (O, C, k, k), with k from 2 to :data:`MOST_TAPS`.
        padding: down and across.

    Returns:
        (N, O, H + 2 padding - k + 1, W + 2 padding - k + 1), channels-last.
    """
    made: Tensor = _Third.apply(MAPS, shape_of(x, weight, padding), x, weight)  # type: ignore[no-untyped-call]
    return made


class _Third(torch.autograd.Function):
    """Pictures, taps or maps, of the other two in that order."""

    @staticmethod
    def forward(ctx: Any, kind: int, shape: Shape, *two: Tensor) -> Tensor:
        ctx.save_for_backward(*two)
        ctx.kind, ctx.shape = kind, shape
        return (_pictures, _taps, _maps)[kind](*two, shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        others = [kind for kind in KINDS if kind != ctx.kind]
        known = {ctx.kind: gradient, **dict(zip(others, ctx.saved_tensors, strict=True))}
        made = []
        for wanted, needed in zip(others, ctx.needs_input_grad[2:], strict=True):
            two = [known[kind] for kind in KINDS if kind != wanted]
            made.append(_Third.apply(wanted, ctx.shape, *two) if needed else None)  # type: ignore[no-untyped-call]
        return None, None, *made


def _maps(x: Tensor, weight: Tensor, shape: Shape) -> Tensor:
    taps = _of_taps(weight, shape).transpose(1, 2)
    parts = x.split(_at_a_time(shape, len(x), sum(weight.shape[:2])))
    return _joined([_to_maps(torch.bmm(_of_pictures(part, shape), taps), shape) for part in parts])


def _pictures(weight: Tensor, y: Tensor, shape: Shape) -> Tensor:
    taps = _of_taps(weight, shape)
    parts = y.split(_at_a_time(shape, len(y), sum(weight.shape[:2])))
    return _joined([_to_pictures(torch.bmm(_of_maps(part, shape), taps), shape) for part in parts])


def _taps(x: Tensor, y: Tensor, shape: Shape) -> Tensor:
    size = _at_a_time(shape, len(x), x.shape[1] + y.shape[1])
    made = x.new_zeros(shape.points**2, y.shape[1], x.shape[1])
    for pictures, maps in zip(x.split(size), y.split(size), strict=True):
        made.baddbmm_(_of_maps(maps, shape).transpose(1, 2), _of_pictures(pictures, shape))
    return _to_taps(made, shape)


def _at_a_time(shape: Shape, samples: int, channels: int) -> int:
    """Samples in equal parts."""
    values = samples * shape.tiles[0] * shape.tiles[1] * shape.points**2 * channels
    return -(-samples // max(1, min(samples, round(values / VALUES))))


def _joined(parts: list[Tensor]) -> Tensor:
    """Also where there is one, as what is cut out of tiles holds all of them."""
    return torch.cat(parts).permute(0, 3, 1, 2)


def _of_pictures(x: Tensor, shape: Shape) -> Tensor:
    """(N, C, H, W) to (points², N tiles, C), from tiles that overlap."""
    points, (top, left), (height, width) = shape.points, shape.padding, shape.pictures
    below, right = (TILE * (count - 1) + points for count in shape.tiles)
    x = F.pad(x.permute(0, 2, 3, 1), (0, 0, left, right - width - left, top, below - height - top))
    tiles = x.unfold(1, points, TILE).unfold(2, points, TILE)
    return _on_both(_matrices(shape.taps, x.dtype).pictures, tiles.permute(4, 5, 0, 1, 2, 3)).flatten(1, 3)


def _of_maps(y: Tensor, shape: Shape) -> Tensor:
    """(N, O, H, W) to (points², N tiles, O), from tiles side by side."""
    (down, across), (height, width) = shape.tiles, shape.maps
    y = F.pad(y.permute(0, 2, 3, 1), (0, 0, 0, TILE * across - width, 0, TILE * down - height))
    tiles = y.unflatten(2, (across, TILE)).unflatten(1, (down, TILE))
    return _on_both(_matrices(shape.taps, y.dtype).maps, tiles.permute(2, 4, 0, 1, 3, 5)).flatten(1, 3)


def _of_taps(weight: Tensor, shape: Shape) -> Tensor:
    """(O, C, k, k) to (points², O, C)."""
    return _on_both(_matrices(shape.taps, weight.dtype).taps, weight.permute(2, 3, 0, 1))


def _to_maps(values: Tensor, shape: Shape) -> Tensor:
    """(points², N tiles, O) to (N, H, W, O)."""
    (height, width), matrix = shape.maps, _matrices(shape.taps, values.dtype).maps
    tiles = _on_both(matrix.t(), _by_tile(values, shape)).unflatten(0, (TILE, TILE)).permute(2, 3, 0, 4, 1, 5)
    return tiles.flatten(3, 4).flatten(1, 2)[:, :height, :width]


def _to_pictures(values: Tensor, shape: Shape) -> Tensor:
    """(points², N tiles, C) to (N, H, W, C): where tiles overlap, they add up."""
    points, (down, across), (top, left) = shape.points, shape.tiles, shape.padding
    matrix = _matrices(shape.taps, values.dtype).pictures
    tiles = _on_both(matrix.t(), _by_tile(values, shape)).unflatten(0, (points, points)).permute(2, 3, 0, 4, 1, 5)
    made = values.new_zeros(len(tiles), down + 1, TILE, across + 1, TILE, values.shape[2])
    halves = (0, slice(TILE), slice(TILE)), (1, slice(points - TILE), slice(TILE, points))  # a tile and its neighbor
    for below, rows, of_rows in halves:
        for right, columns, of_columns in halves:
            place = made[:, below : below + down, rows, right : right + across, columns]
            place += tiles[:, :, of_rows, :, of_columns]
    whole, (height, width) = made.flatten(3, 4).flatten(1, 2), shape.pictures
    return whole[:, top : top + height, left : left + width]


def _to_taps(values: Tensor, shape: Shape) -> Tensor:
    """(points², O, C) to (O, C, k, k), channels-last."""
    taps = _on_both(_matrices(shape.taps, values.dtype).taps.t(), values.unflatten(0, (shape.points, -1)))
    return taps.unflatten(0, (shape.taps, shape.taps)).permute(2, 0, 1, 3).contiguous().permute(0, 3, 1, 2)


def _by_tile(values: Tensor, shape: Shape) -> Tensor:
    """(points², N tiles, C) to (points, points, N, tiles down, tiles across, C)."""
    return values.unflatten(1, (-1, *shape.tiles)).unflatten(0, (shape.points, shape.points))


def _on_both(matrix: Tensor, x: Tensor) -> Tensor:
    """The first two axes of x, each multiplied by the matrix and then made one."""
    made = torch.mm(matrix, x.reshape(len(x), -1)).view(len(matrix), x.shape[1], -1)
    return torch.matmul(matrix, made).view(-1, *x.shape[2:])


class _Matrices(NamedTuple):
    """That give the values at all points: of a tile of pictures, of taps, and of a tile of maps."""

    pictures: Tensor
    taps: Tensor
    maps: Tensor


@cache
def _matrices(taps: int, dtype: torch.dtype) -> _Matrices:
    """Of taps and maps, those of polynomials; of pictures, the transposed inverse of those of their product.

    Any factor may go from a row of one matrix to that of another: rows of pictures are divided by a power of two near
    the sum of their sizes.
    """
    points = TILE + taps - 1
    inverse = torch.linalg.inv(_powers(points, points)).T
    scale = torch.exp2(inverse.abs().sum(1, keepdim=True).log2().round())
    made = inverse / scale, _powers(points, taps) * scale, _powers(points, TILE)
    return _Matrices(*(matrix.to(dtype).contiguous() for matrix in made))


def _powers(points: int, count: int) -> Tensor:
    """(points, count): the first powers of each point; at infinity the highest alone counts."""
    finite = torch.tensor(POINTS[: points - 1], dtype=torch.float64)[:, None] ** torch.arange(count)
    infinite = torch.eye(count, dtype=torch.float64)[-1:]
    return torch.cat([finite, infinite])
