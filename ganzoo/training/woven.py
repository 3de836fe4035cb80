"""Pictures of one or three channels that a transposed convolution makes: parts of a product, woven together.

The gradient of a convolution for such pictures is one, too.

oneDNN takes eight or sixteen channels at a time, and computes most of them in vain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_input

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


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair) -> Tensor:
    """``F.conv2d`` with weights that are not trained; what is woven is the gradient for ``x``.

    Args:
        x: (N, D, H, W).
        weight: (C, D, K, L), its sides multiples of the stride.
        bias: (C,), or none.
        stride: down and across.
        padding: down and across.

    Returns:
        (N, C, (H + 2 padding - K) // stride + 1, ...), channels-last.
    """
    made: Tensor = _Convolution.apply(x, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
    return made


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.stride, ctx.padding, ctx.size = stride, padding, (x.shape[2], x.shape[3])
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        if torch._C._functorch.is_legacy_batchedtensor(gradient):  # by ``is_grads_batched``
            size = len(gradient), weight.shape[1], *ctx.size
            of_x: Tensor = conv2d_input(size, weight, gradient, ctx.stride, ctx.padding)  # type: ignore[no-untyped-call]
            return of_x, None, None, None, None
        return transposed(gradient, weight, ctx.stride, ctx.padding, ctx.size), None, None, None, None


class _Transposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: Pair, padding: Pair, size: Pair) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        phases = _phases(x, weight, stride)
        shape = x.shape[0], weight.shape[1], *size
        # No view, so that what follows may change it in place.
        made = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last).zero_()
        for i, (rows, of_rows) in enumerate(_places(stride[0], padding[0], size[0], phases.shape[4])):
            for j, (columns, of_columns) in enumerate(_places(stride[1], padding[1], size[1], phases.shape[5])):
                made[:, :, rows, columns] = phases[:, :, i, j, of_rows, of_columns]
        return made

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_x, to_weight = ctx.needs_input_grad[:2]
        of_x = F.conv2d(gradient, weight, None, ctx.stride, ctx.padding) if to_x else None
        of_weight = None
        if to_weight:  # it is that of the convolution which leads back from the picture
            _, of_weight, _ = torch.ops.aten.convolution_backward(
                x, gradient, weight, None, ctx.stride, ctx.padding, (1, 1), False, (0, 0), 1, (False, True, False)
            )
        return of_x, of_weight, None, None, None


def _phases(x: Tensor, weight: Tensor, stride: Pair) -> Tensor:
    """(N, D, *stride, H + K / stride − 1, W + L / stride − 1)."""
    (c, made, *kernel), (rows, columns) = weight.shape, x.shape[2:]
    down, across = (length // step for length, step in zip(kernel, stride, strict=True))
    blocks = weight.view(c, made, down, stride[0], across, stride[1]).permute(2, 4, 1, 3, 5, 0)
    parts = torch.matmul(blocks.flatten(0, 4), x.flatten(2)).view(x.shape[0], down, across, -1, rows, columns)
    overlapping = rows + down - 1, columns + across - 1
    phases = parts.new_zeros(x.shape[0], parts.shape[3], *overlapping)
    for i in range(down):
        for j in range(across):
            phases[:, :, i : i + rows, j : j + columns] += parts[:, i, j]
    return phases.view(x.shape[0], made, *stride, *overlapping)


def _places(step: int, pad: int, size: int, length: int) -> Iterator[tuple[slice, slice]]:
    """Of each phase of an axis: where it goes in the picture, and which of its pixels do."""
    for phase in range(step):
        skipped = max(0, -(-(pad - phase) // step))
        first = step * skipped + phase - pad
        count = max(0, min(length - skipped, -(-(size - first) // step)))
        yield slice(first, first + step * count, step), slice(skipped, skipped + count)
