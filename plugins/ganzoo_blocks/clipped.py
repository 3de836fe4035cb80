"""Images within bounds, where the paper's network has a linear last layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


class _Clipped(torch.autograd.Function):
    """The clipping of :func:`clipped` with its gradient, which can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor) -> Tensor:
        return images.clamp(-1, 1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (images,) = ctx.saved_tensors
        leads_back = gradient * images > 0  # descent moves against the gradient
        passed: Tensor = gradient * ((images.abs() <= 1) | leads_back)
        return passed


def clipped(images: Tensor) -> Tensor:
    """Images in [−1, 1]; outside, the gradient passes only where its descent leads back.

    Formula:
        y = min(max(x, −1), 1),  ∂L/∂x = ∂L/∂y where |x| ≤ 1 or x·∂L/∂y > 0, else 0

    Were it zero everywhere outside, a value there could never come back. Were it passed everywhere, nothing would hold
    a value back: the critic sees the same picture however far it goes, and black and white stripes were all that
    remained of the digits.
    """
    result: Tensor = _Clipped.apply(images)  # type: ignore[no-untyped-call]
    return result
