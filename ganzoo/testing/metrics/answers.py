"""Metrics as a run builds them, what they say of a world, and how two answers are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from pydantic import ValidationError

from ganzoo.errors import ConfigError
from ganzoo.protocols import Features
from ganzoo.testing.check import demand
from ganzoo.testing.metrics.worlds import PICTURES, POINTS, RARER, World, copied, world_of
from ganzoo.testing.subject import Subject

ENOUGH = 256
"""So many samples are looked at, of a metric whose options allow it."""
CHEAP = {"samples": ENOUGH, "updates": 8, "seeds": 2, "patches": 8, "directions": 32, "pairs": 100}
"""Options that say how much a metric computes → what is enough for a check."""


def narrowed(subject: Subject) -> Subject:
    """The metric with as few samples, and as little training, as a check wants, if its options say how much it is."""
    options = subject.chosen
    given = {name: getattr(options, name) for name in CHEAP if name in type(options).model_fields}
    less = {name: CHEAP[name] for name, value in given.items() if value is None or value > CHEAP[name]}
    if not less:
        return subject
    try:
        return replace(subject, options=type(options)(**{**dict(options), **less}))
    except ValidationError:
        return subject


def prepared(subject: Subject, *, seed: int = 0) -> tuple[Any, World]:
    """The metric as a run gets it, and the first data that it takes.

    Raises:
        ConfigError: it takes none; what it says of the most usual pictures.
    """
    return _built_for(subject, subject.once(_shape_taken), seed=seed)


def _built_for(subject: Subject, shape: tuple[int, ...], *, seed: int = 0) -> tuple[Any, World]:
    metric = narrowed(subject).build(world_of(shape, 2).spec, seed=seed)
    return metric, world_of(shape, metric.samples if hasattr(metric, "samples") else ENOUGH)


def _shape_taken(subject: Subject) -> tuple[int, ...]:
    """The first shape of which it says something, rather than to refuse it."""
    refusals: list[ConfigError] = []
    for shape in (PICTURES, POINTS, *RARER):
        try:
            metric, world = _built_for(subject, shape)
            if "modes" in getattr(metric, "needs", ()) and shape != POINTS:
                continue  # pictures of these worlds have none
            answer(metric, world.real, world.unseen)
        except ConfigError as error:
            refusals.append(error)
        else:
            return shape
    raise refusals[0]


def answer(metric: Any, real: Features, fake: Features, *, seed: int = 0) -> Any:
    """What it says, of copies, with random numbers of its own."""
    return metric(real=copied(real), fake=copied(fake), random=torch.Generator().manual_seed(seed))


def demand_numbers(found: Any, where: str) -> None:
    """Demand that an answer is one that a log can hold."""
    demand(isinstance(found, Mapping), f"{where} it returns no dict but {type(found).__name__}")
    demand(found, f"{where} it returns an empty dict")
    for name, value in found.items():
        demand(isinstance(name, str) and name, f"{where} a number is called {name!r}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        demand(number, f"{where} {name} is not a float but {type(value).__name__}")
        demand(math.isfinite(value), f"{where} {name} is {value}")


def shown(found: Mapping[str, float]) -> str:
    """``modes 8, high_quality 0.99``."""
    return ", ".join(f"{name} {value:.6g}" for name, value in found.items())


def same(one: Mapping[str, float], other: Mapping[str, float], what: str, *, tolerance: float = 0.0) -> None:
    """Demand that two answers agree."""
    close = one.keys() == other.keys() and all(
        math.isclose(one[name], other[name], rel_tol=tolerance, abs_tol=tolerance) for name in one
    )
    demand(close, f"{what}: {shown(other)} instead of {shown(one)}")
