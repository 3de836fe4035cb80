"""A loss as a function of one logit: values and gradients by autograd, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.component import Options
from ganzoo.training.equilibrium import balance, equilibrium

ENERGY = "needs_energy"


@dataclass(frozen=True)
class Curve:
    """Values and gradients of an objective at each of the logits."""

    values: list[float]
    gradients: list[float]


@dataclass(frozen=True, kw_only=True)
class LossCurves:
    """What each player minimizes as a function of one logit, the other logit being 0.

    Attributes:
        name: as it was written.
        logits: where the curves are taken; up to 0 only for a loss that reads logits as −energy.
        d_real, d_fake: D's objective over the logit of a real sample, and over that of a fake.
        g_fake: G's objective over the logit of a fake.
        equilibrium: the values at p_g = p_data of the players that have one, ``d`` and ``g``.
        balance: the logits D may give everywhere at p_g = p_data, from–to; ``None`` if unknown or any.
    """

    name: str
    logits: list[float]
    d_real: Curve
    d_fake: Curve
    g_fake: Curve
    equilibrium: dict[str, float]
    balance: tuple[float, float] | None


def loss_curves(name: str, options: Options, loss: Any, *, limit: float, points: int = 161) -> LossCurves:
    """The curves over logits between −limit and limit. A loss with state is shown as it is at the start.

    Each logit is a batch of its own, so that a loss that compares with the mean of the batch shows what it does to one.
    """
    highest = 0.0 if ENERGY in options.tags() else limit
    logits = torch.linspace(-limit, highest, points, dtype=torch.float64)
    zero = torch.zeros(1, dtype=torch.float64)
    if "generator_needs_real" in options.tags():
        g_fake = _curve(lambda fake: loss.generator_loss(real=zero, fake=fake), logits)
    else:
        g_fake = _curve(lambda fake: loss.generator_loss(fake=fake), logits)
    return LossCurves(
        name=name,
        logits=logits.tolist(),
        d_real=_curve(lambda real: loss.discriminator_loss(real=real, fake=zero), logits),
        d_fake=_curve(lambda fake: loss.discriminator_loss(real=zero, fake=fake), logits),
        g_fake=g_fake,
        equilibrium=equilibrium(loss),
        balance=balance(loss, energy=ENERGY in options.tags(), limit=limit),
    )


def _curve(objective: Callable[[Tensor], Tensor], logits: Tensor) -> Curve:
    values, gradients = [], []
    for logit in logits:
        at = logit.reshape(1).clone().requires_grad_()
        value = objective(at)
        # An objective that this logit has no part in is a constant.
        gradient = torch.autograd.grad(value, at)[0].item() if value.requires_grad else 0.0
        values.append(value.item())
        gradients.append(gradient)
    return Curve(values, gradients)
