"""Checks that the gradients of a loss are those of its value, by finite differences."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import gradcheck

from ganzoo.protocols import Loss
from ganzoo.testing.check import check
from ganzoo.testing.losses.objectives import both, logits, loss_of
from ganzoo.testing.subject import Subject


@check("gradcheck", Loss, "The gradient is that of the value, and can be differentiated once more.", every_choice=True)
def gradient_is_right(subject: Subject) -> None:
    """By finite differences, near zero and far from it; what grows exponentially leaves no digits for that."""
    loss = loss_of(subject)
    for wide in (1,) if "exponential" in subject.tags else (1, 30):
        real, fake = ((wide * side).detach().requires_grad_() for side in logits(3, 1, 2, 1))
        # Differences of large values are as rough as those are large.
        rough = 1e-5 * max(1.0, both(loss, real, fake).abs().max().item())
        gradcheck(lambda real, fake: tuple(both(loss, real, fake)), (real, fake), atol=rough)


@check(
    "double-backward",
    Loss,
    "The gradient is that of the value, and can be differentiated once more.",
    every_choice=True,
)
def second_gradient_is_right(subject: Subject) -> None:
    """The gradient's own gradient, as penalties and unrolling take it; 0 where the loss is piecewise linear."""
    loss = loss_of(subject)

    def slopes(real: Tensor, fake: Tensor) -> tuple[Tensor, ...]:
        total = both(loss, real, fake).sum()
        found = torch.autograd.grad(total, [real, fake], create_graph=True, allow_unused=True, materialize_grads=True)
        return tuple(slope + 0 * side for slope, side in zip(found, (real, fake), strict=True))

    gradcheck(slopes, logits(3, 1, 2, 1))
