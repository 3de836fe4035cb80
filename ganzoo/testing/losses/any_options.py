"""A check of losses with other options than the chosen ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from ganzoo.component import Options
from ganzoo.protocols import Loss
from ganzoo.testing.check import check, demand
from ganzoo.testing.losses.objectives import logits, loss_of, objectives, shown
from ganzoo.testing.losses.tags import MEASURES
from ganzoo.testing.options import for_any_options, no_hypothesis
from ganzoo.testing.subject import Subject

TAGS = ("generator_needs_real", "paired", "batch_nonlinear", "needs_lipschitz")
"""Those that hang on the form of the loss, and not on how far out an option moves its targets."""
TINY = 1e-4
"""Numbers nearer to 0, without being 0, are none that anybody would choose, and as a divisor they overflow."""
WIDE = (1.0, 100.0, 1e4, 1e6)
"""How far apart logits are at which a player may learn, since options may move its targets far out."""


@check(
    "options-build",
    Loss,
    "Whatever options are allowed, both values are finite near zero, and both players learn from them.",
    skip=no_hypothesis,
)
def any_options_train(subject: Subject) -> None:
    """At moderate logits; what holds further out is looked at with the given options alone."""
    # What is wrong with the given options is told by the check of that tag.
    tags = [tag for tag in TAGS if _honest(subject, tag)]

    def trains(options: Options) -> None:
        if not any(isinstance(value, float) and 0 < abs(value) < TINY for _, value in options):
            _trains(replace(subject, options=options), tags)

    for options in extremes(subject.chosen):
        trains(options)
    for_any_options(subject, trains)


def extremes(options: Options) -> Iterator[Options]:
    """The options with one number moved to a bound, to 0, or to no finite number, as far as that is allowed."""
    for name, info in type(options).model_fields.items():
        if isinstance(getattr(options, name), float):
            bounds = [getattr(one, end) for one in info.metadata for end in ("ge", "le") if hasattr(one, end)]
            for value in (*bounds, 0.0, math.inf, -math.inf, math.nan):
                try:
                    yield type(options)(**{**dict(options), name: value})
                except ValidationError:
                    continue  # not allowed, or not with the others


def _trains(subject: Subject, tags: Sequence[str]) -> None:
    """Both players get a finite value, and wherever their targets may be, something to learn."""
    loss, given = loss_of(subject), f"with {subject.chosen!r}"
    real, fake = logits(6)
    values = objectives(loss, real, fake)
    for player, value, own in zip("DG", values, (real, fake), strict=True):
        demand(value.shape == (), f"{given} {player}'s value has the shape {tuple(value.shape)}")
        finite = value.isfinite() and _slope(value, own).isfinite().all()
        demand(finite, f"{given} {player}'s value is {shown(value)}, or its gradient is not finite")
    for number, player in enumerate("DG"):
        learns = any(_learns(loss, number, (wide * real, wide * fake)) for wide in WIDE)
        demand(learns, f"{given} {player}'s gradient is 0 wherever it was looked for")
    for tag in tags:
        said = tag in subject.tags
        demand(_honest(subject, tag), f"{given} it {'carries' if said else 'lacks'} the tag {tag}, and should not")


def _honest(subject: Subject, tag: str) -> bool:
    so: bool = MEASURES[tag](subject)
    return so == (tag in subject.tags)


def _learns(loss: Any, player: int, sides: tuple[Tensor, Tensor]) -> bool:
    real, fake = (side.detach().requires_grad_() for side in sides)
    return bool(_slope(objectives(loss, real, fake)[player], (real, fake)[player]).any())


def _slope(value: Tensor, own: Tensor) -> Tensor:
    (slope,) = torch.autograd.grad(value, [own], retain_graph=True, allow_unused=True, materialize_grads=True)
    return slope
