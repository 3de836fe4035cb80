"""Convolutions with stride 1 by fewer products, after Toom, Cook and Winograd.

Four neighboring outputs of k taps are what a product of two polynomials is made of, and that is known from its values
at 4 + k - 1 points. So 7 products do in place of 16 for four taps, and on both axes 49 in place of 256. What the values
cost is sums, and memory that is written and read once more, so it pays where both sides have many channels.

A convolution is one sum over input x, weight w and output y. With the values of each at all points,

    S(x, w, y) = Σ y[n,o,i,j] w[o,c,k,l] x[n,c,i+k,j+l] = Σ (Y y)[p,n,o] (W w)[p,o,c] (X x)[p,n,c]

over tiles of 4×4 outputs, where n counts tiles as well. The output is its derivative by y, the gradient for the input
that by x, and for the weight that by w. So each of the three comes from the other two in the same way, and so do
gradients of any order.

In fp32 the error is up to 5e-6 of the norm of what is computed, where that of torch's convolution is 1e-7 to 1e-6. It
belongs to a tile, not to each output: neighbors of a value that is ten thousand times as large lose as much more, and
one that is not finite makes all outputs of its tile so.

Sources: Lavin and Gray 2015, arXiv:1509.09308, section 4, for taps of 3×3; points like those that Barabasz et al. 2018
found to round least, arXiv:1803.10986.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = tuple[int, int]

TILE = 4
"""Outputs of a tile, down and across."""
POINTS = (0.0, 1.0, -1.0, 2.0, -0.5, -2.0)
"""Their powers are exact; the last point is always at infinity."""
MOST_TAPS = 4
"""Down and across: five would need another point, at which more digits are lost."""
PER_SAMPLE = 4
"""Times :data:`VALUES` at most of one sample, which is not cut: beyond, nothing is gained."""
WORTH = 100
"""Products saved for each value at a point, at least, times threads: all of them share what memory can give."""
VALUES = 1 << 22
"""Of input and output at a time, about: more take memory and leave the cache, fewer make small products."""
KINDS = INPUT, WEIGHT, OUTPUT = range(3)


class Geometry(NamedTuple):
    """Of a convolution.

    Attributes:
        taps: down and across, k.
        padding: rows above and below, columns left and right.
        input: height and width of x.
        output: height and width of y.
    """

    taps: int
    padding: Pair
    input: Pair
    output: Pair

    @property
    def points(self) -> int:
        """On an axis."""
        return TILE + self.taps - 1

    @property
    def tiles(self) -> Pair:
        """Down and across."""
        return -(-self.output[0] // TILE), -(-self.output[1] // TILE)


def geometry_of(x: Tensor, weight: Tensor, padding: Pair) -> Geometry:
    """With stride 1."""
    taps, (height, width) = weight.shape[2], x.shape[2:]
    output = height + 2 * padding[0] - taps + 1, width + 2 * padding[1] - taps + 1
    return Geometry(taps, padding, (height, width), output)


def pays(x: Tensor, weight: Tensor, padding: Pair) -> bool:
    """Whether it takes less time than torch's convolution."""
    (made, given, *taps), geometry = weight.shape, geometry_of(x, weight, padding)
    if not 1 < taps[0] == taps[1] <= MOST_TAPS or min(geometry.output) < 1:
        return False
    points, each = geometry.points**2, geometry.tiles[0] * geometry.tiles[1]
    if points * each * (made + given) > PER_SAMPLE * VALUES:
        return False
    direct = len(x) * geometry.output[0] * geometry.output[1] * taps[0] ** 2 * made * given
    values = points * (len(x) * each * (made + given) + made * given)
    return direct - points * len(x) * each * made * given >= WORTH * torch.get_num_threads() * values


def convolution(x: Tensor, weight: Tensor, padding: Pair) -> Tensor:
    """``F.conv2d`` with stride 1, up to rounding.

    Args:
        x: (N, C, H, W).
        weight: (O, C, k, k), with k from 2 to :data:`MOST_TAPS`.
        padding: down and across.

    Returns:
        (N, O, H + 2 padding - k + 1, W + 2 padding - k + 1), channels-last.
    """
    made: Tensor = _Winograd.apply(OUTPUT, geometry_of(x, weight, padding), x, weight)  # type: ignore[no-untyped-call]
    return made


class _Winograd(torch.autograd.Function):
    """Input, weight or output, from the other two in that order."""

    @staticmethod
    def forward(ctx: Any, kind: int, geometry: Geometry, one: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(one, other)
        ctx.kind, ctx.geometry = kind, geometry
        with torch.autocast("cpu", enabled=False):  # which may be on where gradients are computed
            return (_input, _weight, _output)[kind](one, other, geometry)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.kind == OUTPUT and torch._C._functorch.is_legacy_batchedtensor(gradient):  # by ``is_grads_batched``
            x, weight = ctx.saved_tensors
            return None, None, *_by_torch(gradient, x, weight, ctx.geometry, ctx.needs_input_grad[2:])
        others = [kind for kind in KINDS if kind != ctx.kind]
        known = {ctx.kind: gradient, **dict(zip(others, ctx.saved_tensors, strict=True))}
        made = []
        for wanted, needed in zip(others, ctx.needs_input_grad[2:], strict=True):
            two = [known[kind] for kind in KINDS if kind != wanted]
            made.append(_Winograd.apply(wanted, ctx.geometry, *two) if needed else None)  # type: ignore[no-untyped-call]
        return None, None, *made


def _by_torch(gradient: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, needed: Sequence[bool]) -> Sequence[Any]:
    """Gradients of input and weight."""
    made: Sequence[Any] = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, (1, 1), geometry.padding, (1, 1), False, (0, 0), 1, (*needed, False)
    )
    return made[:2]


def _output(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    made, places = _empty(x, (len(x), len(weight), *geometry.output))
    parts, taps = _parts(geometry, len(x), sum(weight.shape[:2])), _of_weight(weight, geometry).transpose(1, 2)
    for place, part in zip(places.chunk(parts), x.chunk(parts), strict=True):
        place.copy_(_to_output(torch.bmm(_of_input(part, geometry), taps), geometry))
    return made


def _input(weight: Tensor, y: Tensor, geometry: Geometry) -> Tensor:
    made, places = _empty(y, (len(y), weight.shape[1], *geometry.input))
    parts, taps = _parts(geometry, len(y), sum(weight.shape[:2])), _of_weight(weight, geometry)
    for place, part in zip(places.chunk(parts), y.chunk(parts), strict=True):
        place.copy_(_to_input(torch.bmm(_of_output(part, geometry), taps), geometry))
    return made


def _weight(x: Tensor, y: Tensor, geometry: Geometry) -> Tensor:
    parts = _parts(geometry, len(x), x.shape[1] + y.shape[1])
    made = x.new_zeros(geometry.points**2, y.shape[1], x.shape[1])
    for inputs, outputs in zip(x.chunk(parts), y.chunk(parts), strict=True):
        made.baddbmm_(_of_output(outputs, geometry).transpose(1, 2), _of_input(inputs, geometry))
    return _to_weight(made, geometry)


def _parts(geometry: Geometry, samples: int, channels: int) -> int:
    """In how many parts samples are taken."""
    values = samples * geometry.tiles[0] * geometry.tiles[1] * geometry.points**2 * channels
    return max(1, min(samples, round(values / VALUES)))


def _empty(like: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Channels-last and no view, so that what follows may change it in place; and the same as (N, H, W, C)."""
    made = torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)
    return made, made.permute(0, 2, 3, 1)


def _of_input(x: Tensor, geometry: Geometry) -> Tensor:
    """(N, C, H, W) to (points², N tiles, C), from tiles that overlap."""
    points, (top, left), (height, width) = geometry.points, geometry.padding, geometry.input
    below, right = (TILE * (count - 1) + points for count in geometry.tiles)
    x = F.pad(x.permute(0, 2, 3, 1), (0, 0, left, right - width - left, top, below - height - top))
    tiles = x.unfold(1, points, TILE).unfold(2, points, TILE)
    return _on_both(_matrices(geometry, x).input, tiles.permute(4, 5, 0, 1, 2, 3)).flatten(1, 3)


def _of_output(y: Tensor, geometry: Geometry) -> Tensor:
    """(N, O, H, W) to (points², N tiles, O), from tiles side by side."""
    (down, across), (height, width) = geometry.tiles, geometry.output
    y = F.pad(y.permute(0, 2, 3, 1), (0, 0, 0, TILE * across - width, 0, TILE * down - height))
    tiles = y.view(len(y), down, TILE, across, TILE, y.shape[3])
    return _on_both(_matrices(geometry, y).output, tiles.permute(2, 4, 0, 1, 3, 5)).flatten(1, 3)


def _of_weight(weight: Tensor, geometry: Geometry) -> Tensor:
    """(O, C, k, k) to (points², O, C)."""
    return _on_both(_matrices(geometry, weight).weight, weight.permute(2, 3, 0, 1))


def _to_output(values: Tensor, geometry: Geometry) -> Tensor:
    """(points², N tiles, O) to (N, H, W, O)."""
    (height, width), matrix = geometry.output, _matrices(geometry, values).output
    tiles = _by_tile(_on_both(matrix.t(), _by_tile(values, geometry)), geometry).permute(2, 3, 0, 4, 1, 5)
    return tiles.flatten(3, 4).flatten(1, 2)[:, :height, :width]


def _to_input(values: Tensor, geometry: Geometry) -> Tensor:
    """(points², N tiles, C) to (N, H, W, C): where tiles overlap, they add up."""
    points, (down, across), (top, left) = geometry.points, geometry.tiles, geometry.padding
    matrix = _matrices(geometry, values).input
    tiles = _by_tile(_on_both(matrix.t(), _by_tile(values, geometry)), geometry).permute(2, 3, 0, 4, 1, 5)
    made = values.new_zeros(len(tiles), down + 1, TILE, across + 1, TILE, values.shape[2])
    halves = (0, slice(TILE), slice(TILE)), (1, slice(points - TILE), slice(TILE, points))  # a tile and its neighbor
    for below, rows, of_rows in halves:
        for right, columns, of_columns in halves:
            place = made[:, below : below + down, rows, right : right + across, columns]
            place += tiles[:, :, of_rows, :, of_columns]
    whole, (height, width) = made.flatten(3, 4).flatten(1, 2), geometry.input
    return whole[:, top : top + height, left : left + width]


def _to_weight(values: Tensor, geometry: Geometry) -> Tensor:
    """(points², O, C) to (O, C, k, k), channels-last."""
    matrix, sides = _matrices(geometry, values).weight, values.shape[1:]
    taps = _on_both(matrix.t(), values.view(geometry.points, geometry.points, *sides))
    made = taps.view(geometry.taps, geometry.taps, *sides).permute(2, 3, 0, 1)
    return made.clone(memory_format=torch.channels_last)


def _on_both(matrix: Tensor, x: Tensor) -> Tensor:
    """The first two axes of x, each multiplied by the matrix and then made one."""
    made = torch.mm(matrix, x.reshape(len(x), -1)).view(len(matrix), x.shape[1], -1)
    return torch.matmul(matrix, made).view(-1, *x.shape[2:])


def _by_tile(values: Tensor, geometry: Geometry) -> Tensor:
    """(points², N tiles, C) to (points, points, N, tiles down, tiles across, C)."""
    points = math.isqrt(len(values))
    return values.view(points, points, -1, *geometry.tiles, values.shape[-1])


class _Matrices(NamedTuple):
    """That give the values at all points: of a tile of the input, of a kernel, and of a tile of the output."""

    input: Tensor
    weight: Tensor
    output: Tensor


def _matrices(geometry: Geometry, of: Tensor) -> _Matrices:
    return MATRICES[geometry.taps, of.dtype]


def _matrices_for(taps: int, dtype: torch.dtype) -> _Matrices:
    """Of weight and output, those of polynomials; of the input, the transposed inverse of those of their product."""
    points = TILE + taps - 1
    finite = POINTS[: points - 1]
    through_one = [_product(point, finite) for point in finite]  # Lagrange's: 1 at one of the points, 0 at the others
    made = [*through_one, _product(None, finite)], _powers(finite, taps), _powers(finite, TILE)
    return _Matrices(*(torch.tensor(matrix, dtype=dtype, device="cpu") for matrix in made))


def _product(point: float | None, points: Sequence[float]) -> list[float]:
    """Coefficients of the product of x - p over all other points, divided by its value at this one."""
    made = [1.0]
    for other in points:
        if other != point:
            scale = 1.0 if point is None else point - other
            made = [(high - other * low) / scale for high, low in zip([0.0, *made], [*made, 0.0], strict=True)]
    return made + [0.0] * (len(points) + 1 - len(made))


def _powers(points: Sequence[float], count: int) -> list[list[float]]:
    """The first powers of each point; at infinity the highest alone counts."""
    return [*([point**power for power in range(count)] for point in points), [0.0] * (count - 1) + [1.0]]


MATRICES = {
    (taps, dtype): _matrices_for(taps, dtype)
    for taps in range(2, MOST_TAPS + 1)
    for dtype in (torch.float32, torch.float64)
}
"""Made when this is imported, as later a mode or a default device may be set that tensors would get."""
