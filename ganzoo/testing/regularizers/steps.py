"""Regularizers as a run builds them, and what they say of a step."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.protocols import DataSpec, Player, Regularizer, StepView
from ganzoo.testing.regularizers.tags import terms_of
from ganzoo.testing.regularizers.toys import IMAGES, Toys, view_of
from ganzoo.testing.subject import Subject

ROUNDING = 1e-5


def part_of(subject: Subject, spec: DataSpec = IMAGES, *, seed: int = 0) -> Regularizer:
    """The regularizer as a run gets it, before its first step."""
    part: Regularizer = subject.build(spec, seed=seed)
    return part


def step_of(subject: Subject, player: Player, n: int = 4, *, toys: Toys | None = None, seed: int = 0) -> StepView:
    """A step of the player, with what the regularizer's tags promise it."""
    return view_of(player, n, toys=toys, seed=seed, tags=subject.tags)


def fresh_terms(subject: Subject, view: StepView, *, seed: int = 0) -> dict[str, Tensor]:
    """What a new regularizer says of a step, with random numbers from ``seed``."""
    return terms_of(part_of(subject), replace(view, random=torch.Generator().manual_seed(seed)))


def close(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding, were it that of single precision."""
    return torch.allclose(one, other, rtol=ROUNDING, atol=1e-12)
