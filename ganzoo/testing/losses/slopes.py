"""Checks of where the gradients of a loss point, and that they are finite and alive."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.protocols import Loss, StatefulLoss
from ganzoo.testing.check import check, demand
from ganzoo.testing.losses.objectives import logits, loss_of, objectives, shown
from ganzoo.testing.losses.state import updates
from ganzoo.testing.subject import Subject

FAR, FAR_FOR_EXPONENTIALS = 1e4, 10.0
DEAD = 1e-9
"""A slope, as part of that at 0, from which nothing is learned any more."""


@check(
    "finite",
    Loss,
    "Value and gradient are finite for logits up to ±10⁴, unless it carries ``exponential``.",
    every_choice=True,
)
def stays_finite(subject: Subject) -> None:
    """At four corners and at zero, in both precisions."""
    loss = loss_of(subject)
    far = FAR_FOR_EXPONENTIALS if "exponential" in subject.tags else FAR
    for dtype in (torch.float32, torch.float64):
        for signs in ((1, -1), (-1, 1), (1, 1), (-1, -1), (0, 0)):
            real, fake = (torch.full((3,), far * sign, dtype=dtype, requires_grad=True) for sign in signs)
            d, g = objectives(loss, real, fake)
            gradients = torch.autograd.grad(d + g, [real, fake], allow_unused=True)
            found = [d, g, *(gradient for gradient in gradients if gradient is not None)]
            where = f"at logits {signs[0] * far:g} (real), {signs[1] * far:g} (fake) of {dtype}"
            finite = all(value.isfinite().all() for value in found)
            demand(finite, f"{where} D is {d.item():g}, G {g.item():g}, or a gradient is not finite")


@check(
    "gradient-signs",
    Loss,
    "Near zero D is pushed to raise real and to lower fake logits, and G to raise those of its fakes.",
    every_choice=True,
)
def pulls_the_right_way(subject: Subject) -> None:
    """Signs of the gradients near zero."""
    loss = loss_of(subject)
    drawn = torch.Generator().manual_seed(0)
    near = torch.rand(2, 6, generator=drawn, dtype=torch.float64) * 0.01
    for size in (1.0, 0.0):
        # Where D errs: a target of 0 for fakes may pull those below it up.
        real, fake = (-size * near[0]).requires_grad_(), (size * near[1]).requires_grad_()
        of_real, of_fake = slopes_of_discriminator(loss, real, fake)
        _, g = objectives(loss, real, fake)
        (of_g,) = torch.autograd.grad(g, [fake], allow_unused=True, materialize_grads=True)
        demand((of_real < 0).all(), f"near zero D's gradient at real logits is {shown(of_real)}, not below 0")
        demand((of_fake >= 0).all(), f"near zero D's gradient at fake logits is {shown(of_fake)}, below 0")
        learns = size == 0 or of_fake.any() or _learns_of_fakes_later(loss)
        demand(learns, "near zero D's gradient at fake logits is 0: it does not look at them")
        demand((of_g < 0).all(), f"near zero G's gradient at fake logits is {shown(of_g)}, not below 0")


def slopes_of_discriminator(loss: Any, real: Tensor, fake: Tensor) -> tuple[Tensor, ...]:
    """D's gradient at real and at fake logits."""
    d, _ = objectives(loss, real, fake)
    return torch.autograd.grad(d, [real, fake], allow_unused=True, materialize_grads=True)


def _learns_of_fakes_later(loss: Any) -> bool:
    """Whether a loss that adapts looks at fakes once it has; BEGAN does not at the start."""
    if not isinstance(loss, StatefulLoss):
        return False
    found = []
    for real, fake in updates():
        loss.after_update(real=real, fake=fake)
        _, of_fake = slopes_of_discriminator(loss, *logits(6))
        found.append(bool(of_fake.any()))
    return any(found)


@check("discriminator-alive", Loss, "Where D is wrong by far, it has a gradient on both sides.", every_choice=True)
def discriminator_is_alive(subject: Subject) -> None:
    """Where every answer of D is wrong, it has the most to learn."""
    loss = loss_of(subject)
    at_zero = _slopes_where_d_errs(loss, 0.0)
    for far in (1.0, 10.0) if "exponential" in subject.tags else (1.0, 10.0, 40.0, 1000.0):
        slopes = _slopes_where_d_errs(loss, far)
        for side, slope, usual in zip(("real", "fake"), slopes, at_zero, strict=True):
            learns = slope.abs() > DEAD * usual.abs() or (side == "fake" and isinstance(loss, StatefulLoss))
            demand(learns, f"at real {-far:g} and fake {far:g} D's gradient at {side} logits is {slope:g}")


def _slopes_where_d_errs(loss: Any, far: float) -> tuple[Tensor, ...]:
    """Of a whole batch, at its real logits and at its fake ones."""
    real, fake = (torch.full((4,), at, dtype=torch.float64, requires_grad=True) for at in (-far, far))
    return tuple(slope.sum() for slope in slopes_of_discriminator(loss, real, fake))
