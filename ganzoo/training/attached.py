"""A value with a gradient that was computed before, so that a backward pass hands it on and computes nothing anew."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def attached(data: Tensor, value: Tensor, gradient: Tensor, *, factor: Tensor) -> Tensor:
    """A scalar that is ``factor · value`` and whose gradient at ``data`` is ``factor · gradient``.

    A backward pass through it reaches what ``data`` was made of, and nothing else. It can be differentiated once.

    Args:
        data: what the gradient belongs to.
        value: a tensor without axes.
        gradient: of the shape of ``data``. Its precision may be higher: what comes from outside, such as the scale of a
            ``GradScaler``, is multiplied in it, since the gradient of a mean over pixels is 0 in float16.
        factor: a tensor without axes; no gradient flows through it.
    """
    result: Tensor = _Attached.apply(data, value.detach(), gradient.detach(), factor.detach())  # type: ignore[no-untyped-call]
    return result


class _Attached(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, data: Tensor, value: Tensor, gradient: Tensor, factor: Tensor) -> Tensor:
        ctx.save_for_backward(gradient, factor)
        ctx.dtype = data.dtype
        return value * factor

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outside: Tensor) -> tuple[Tensor, None, None, None]:
        gradient, factor = ctx.saved_tensors
        return (gradient * (factor * outside)).to(ctx.dtype), None, None, None
