"""A check that G learns however far D has won."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.protocols import Loss
from ganzoo.testing.check import check, demand
from ganzoo.testing.losses.objectives import loss_of, objectives
from ganzoo.testing.losses.slopes import DEAD
from ganzoo.testing.subject import Subject


def is_saturating(subject: Subject) -> str | None:
    """A gradient that dies is then part of the method."""
    return "it carries the tag saturating" if "saturating" in subject.tags else None


@check(
    "generator-alive",
    Loss,
    "Where D has won by far, G still has a gradient, unless it carries ``saturating``.",
    skip=is_saturating,
    every_choice=True,
)
def generator_is_alive(subject: Subject) -> None:
    """The further D has won, the more G needs a gradient."""
    found = where_generator_is_dead(subject)
    demand(found is None, str(found))


def where_generator_is_dead(subject: Subject) -> str | None:
    """Where D has won and G learns nothing, or the wrong thing, in words; ``None`` if it always learns."""
    loss = loss_of(subject)
    at_zero = _slope_of_g(loss, 0.0).abs()
    for far in (1.0, 10.0, 40.0) if "exponential" in subject.tags else (1.0, 10.0, 40.0, 1000.0):
        slope = _slope_of_g(loss, far)
        if not slope < -DEAD * at_zero:
            return f"at real {far:g} and fake {-far:g} G's gradient is {slope:g}"
    return None


def _slope_of_g(loss: Any, far: float) -> Tensor:
    """Of a whole batch of fakes, so that their number does not matter."""
    real, fake = (torch.full((4,), at, dtype=torch.float64, requires_grad=True) for at in (far, -far))
    _, g = objectives(loss, real, fake)
    (slope,) = torch.autograd.grad(g, [fake], allow_unused=True, materialize_grads=True)
    return slope.sum()
