"""Pictures of one or three channels that a transposed convolution makes: parts of a product, woven together.

oneDNN takes eight or sixteen channels at a time, and computes most of them in vain. The last layer of a generator makes
such pictures, and so does the way back through the first layer of a critic. All can be differentiated again and
forward, and vectorized.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = tuple[int, int]


def transposed(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, size: Pair) -> Tensor:
    """``F.conv_transpose2d`` up to rounding, for a kernel whose sides are multiples of the stride.

    Each pixel and the weight make K / stride times L / stride pixels of stride² phases: a phase is what goes to every
    stride-th pixel. Parts of a phase are added where they overlap, and all phases are woven into one picture. Gradients
    are torch's.

    Args:
        x: (N, C, H, W).
        weight: (C, D, K, L).
        stride: down and across.
        padding: what is cut off on each side.
        size: of what is made, so that an output padding is in it.

    Returns:
        (N, D, *size), channels-last.
    """
    made: Tensor = _Transposed.apply(x, weight, stride, padding, size)  # type: ignore[no-untyped-call]
    return made


def led_back(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair) -> Tensor:
    """``F.conv2d``, whose gradient of x is :func:`transposed`."""
    made: Tensor = _LedBack.apply(x, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
    return made


class _Transposed(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, size: Pair) -> Tensor:
        phases = _phases(x, weight, stride)
        made = x.new_zeros(len(x), *size, weight.shape[1]).permute(0, 3, 1, 2)
        for i, (rows, of_rows) in enumerate(_places(stride[0], padding[0], size[0], phases.shape[4])):
            for j, (columns, of_columns) in enumerate(_places(stride[1], padding[1], size[1], phases.shape[5])):
                made[:, :, rows, columns] = phases[:, :, i, j, of_rows, of_columns]
        return made

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, *ctx.rest = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride, padding, _ = ctx.rest
        to_x, to_weight = ctx.needs_input_grad[:2]
        of_x = F.conv2d(gradient, weight, None, stride, padding) if to_x else None
        # It is that of the convolution which leads back from the picture.
        of_weight = _of_weight(gradient, weight, x, stride, padding) if to_weight else None
        return of_x, of_weight, None, None, None

    @staticmethod
    def jvp(ctx: Any, dx: Tensor | None, dweight: Tensor | None, *_: None) -> Tensor:
        x, weight = ctx.saved_tensors
        along_x = transposed(torch.zeros_like(x) if dx is None else dx, weight, *ctx.rest)
        return along_x if dweight is None else along_x + transposed(x, dweight, *ctx.rest)


class _LedBack(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair) -> Tensor:
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, _, *ctx.rest = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_x, to_weight, to_bias = ctx.needs_input_grad[:3]
        stride, padding = ctx.rest
        of_x = transposed(gradient, weight, stride, padding, (x.shape[2], x.shape[3])) if to_x else None
        of_weight = _of_weight(x, weight, gradient, stride, padding) if to_weight else None
        return of_x, of_weight, gradient.sum((0, 2, 3)) if to_bias else None, None, None

    @staticmethod
    def jvp(ctx: Any, dx: Tensor | None, dweight: Tensor | None, dbias: Tensor | None, *_: None) -> Tensor:
        x, weight = ctx.saved_tensors
        along_x = F.conv2d(torch.zeros_like(x) if dx is None else dx, weight, dbias, *ctx.rest)
        return along_x if dweight is None else along_x + F.conv2d(x, dweight, None, *ctx.rest)


def _of_weight(x: Tensor, weight: Tensor, gradient: Tensor, stride: Pair, padding: Pair) -> Tensor:
    of_weight: Tensor
    _, of_weight, _ = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, stride, padding, (1, 1), False, (0, 0), 1, (False, True, False)
    )
    return of_weight


def _phases(x: Tensor, weight: Tensor, stride: Pair) -> Tensor:
    """(N, D, *stride, H + K / stride − 1, W + L / stride − 1)."""
    (c, made, *kernel), (rows, columns) = weight.shape, x.shape[2:]
    down, across = (length // step for length, step in zip(kernel, stride, strict=True))
    blocks = weight.view(c, made, down, stride[0], across, stride[1]).permute(2, 4, 1, 3, 5, 0)
    parts = torch.matmul(blocks.flatten(0, 4), x.flatten(2)).view(len(x), down, across, -1, rows, columns)
    overlapping = rows + down - 1, columns + across - 1
    phases = parts.new_zeros(len(x), parts.shape[3], *overlapping)
    for i in range(down):
        for j in range(across):
            phases[:, :, i : i + rows, j : j + columns] += parts[:, i, j]
    return phases.view(len(x), made, *stride, *overlapping)


def _places(step: int, pad: int, size: int, length: int) -> Iterator[tuple[slice, slice]]:
    """Of each phase of an axis: where it goes in the picture, and which of its pixels do."""
    for phase in range(step):
        skipped = max(0, -(-(pad - phase) // step))
        first = step * skipped + phase - pad
        count = max(0, min(length - skipped, -(-(size - first) // step)))
        yield slice(first, first + step * count, step), slice(skipped, skipped + count)
