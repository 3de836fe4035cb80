"""A check of the gradients that reach the parameters of a network, and how those of a penalty are compared."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.protocols import Network
from ganzoo.testing.check import check, demand
from ganzoo.testing.networks.trial import Trial, shake, trial, weighted_sum
from ganzoo.testing.subject import Subject

STEP = 1e-8
"""Of a finite difference: so short that hardly a corner of a piecewise linear function lies within."""


@check("every-parameter-learns", Network, "Every parameter gets a gradient, and a finite one.", every_choice=True)
def every_parameter_learns(subject: Subject) -> None:
    """From some batch: a unit may be asleep in one."""
    idle: set[str] | None = None
    for seed in range(4):
        one = trial(subject, seed=seed)
        shake(one.network)
        one.set_mode(training=True)
        total = torch.stack([value.square().mean() for value in one.judged()]).sum()
        slopes = slopes_of(total, one)
        endless = sorted(name for name, slope in slopes.items() if slope is not None and not slope.isfinite().all())
        demand(not endless, f"the gradient of {', '.join(endless)} is not finite")
        without = {name for name, slope in slopes.items() if slope is None or not slope.any()}
        idle = without if idle is None else idle & without
        if not idle:
            return
    demand(not idle, f"no gradient reaches {', '.join(sorted(idle or ()))}")


def slopes_of(value: Tensor, one: Trial) -> dict[str, Tensor | None]:
    """Parameter → its gradient; ``None`` where there is none."""
    named = {name: parameter for name, parameter in one.network.named_parameters() if parameter.requires_grad}
    if not named or not value.requires_grad:
        return dict.fromkeys(named)
    return dict(zip(named, torch.autograd.grad(value, list(named.values()), allow_unused=True), strict=True))


def second_gradient_is_right(subject: Subject) -> None:
    """That of a penalty on the first one, compared with finite differences; in training it must be there and finite."""
    one = trial(subject)
    shake(one.network)
    one.set_mode(training=True)
    taught = [slope for slope in slopes_of(penalty_of(one), one).values() if slope is not None]
    demand(any(slope.any() for slope in taught), "a penalty on its gradient teaches no parameter")
    demand(all(slope.isfinite().all() for slope in taught), "a penalty's gradient is not finite")
    gaps = []
    for seed in range(3):
        found, expected = slopes_of_penalty(subject, seed=seed)
        if abs(found - expected) <= 1e-3 * max(abs(expected), 1e-6):
            return
        gaps.append(f"{found:.6g} instead of {expected:.6g}")
    demand(False, f"the gradient of a penalty on its gradient is {'; '.join(gaps)}, as finite differences tell")


def penalty_of(one: Trial) -> Tensor:
    """The square of the gradient with respect to what the network is given."""
    given = one.given.detach().clone().requires_grad_()
    total = torch.stack([weighted_sum(value) for value in one.judged(given)]).sum()
    (slope,) = torch.autograd.grad(total, given, create_graph=True)
    return slope.square().sum()


def slopes_of_penalty(subject: Subject, *, seed: int) -> tuple[float, float]:
    """The penalty's slope along a random direction of the parameters, by autograd and by finite differences."""
    one = trial(subject, seed=seed).double()
    shake(one.network)
    one.set_mode(training=False)
    parameters = [parameter for parameter in one.network.parameters() if parameter.requires_grad]
    directions = [torch.randn_like(parameter) for parameter in parameters]
    slopes = torch.autograd.grad(penalty_of(one), parameters, allow_unused=True, materialize_grads=True)
    found = sum((slope * way).sum().item() for slope, way in zip(slopes, directions, strict=True))
    values = []
    for side in (STEP, -2 * STEP):
        with torch.no_grad():
            for parameter, way in zip(parameters, directions, strict=True):
                parameter.add_(side * way)
        values.append(penalty_of(one).item())
    return found, (values[0] - values[1]) / (2 * STEP)
