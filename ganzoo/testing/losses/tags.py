"""What tags of losses promise, measured."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from ganzoo.testing.losses.batches import takers
from ganzoo.testing.losses.objectives import SPEC, both, objectives
from ganzoo.testing.losses.saturation import where_generator_is_dead
from ganzoo.testing.subject import Subject

UNDERFLOW = 1e-300
"""Values as small as that have few digits."""


def generator_needs_real(subject: Subject) -> bool:
    """Whether G's side takes real logits."""
    return "real" in signature(subject.build(SPEC).generator_loss).parameters


def paired(subject: Subject) -> bool:
    """Whether batches of different size are refused."""
    return not any(takers(subject.build(SPEC), torch.zeros(3), torch.zeros(4)))


def saturating(subject: Subject) -> bool:
    """Whether G's gradient is dead, or turned, where D has won by far."""
    return where_generator_is_dead(subject) is not None


def exponential(subject: Subject) -> bool:
    """Whether anything is no longer finite in float32 at logits of ±10⁴."""
    loss, far = subject.build(SPEC), 1e4
    for real_at, fake_at in ((far, -far), (-far, far), (far, far), (-far, -far)):
        real, fake = (torch.full((3,), at, requires_grad=True) for at in (real_at, fake_at))
        d, g = objectives(loss, real, fake)
        gradients = torch.autograd.grad(d + g, [real, fake], allow_unused=True)
        if not all(value.isfinite().all() for value in (d, g, *gradients) if value is not None):
            return True
    return False


def batch_nonlinear(subject: Subject) -> bool:
    """Whether the value of a batch is another than the mean of the values of its halves."""
    loss = subject.build(SPEC)
    drawn = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(8, generator=drawn, dtype=torch.float64) for _ in range(2))
    whole = both(loss, real, fake)
    halves = torch.stack([both(loss, real[part], fake[part]) for part in (slice(4), slice(4, None))])
    return not _alike(whole, halves.mean(0), size=halves.abs().amax(0))


def needs_lipschitz(subject: Subject) -> bool:
    """Whether D's objective is blind to a shift of all logits, and doubled with them: nothing but a bound ends it."""
    loss = subject.build(SPEC)
    drawn = torch.Generator().manual_seed(0)
    real, fake = (-torch.rand(4, generator=drawn, dtype=torch.float64) for _ in range(2))
    d, shifted, doubled = (
        objectives(loss, *sides)[0] for sides in ((real, fake), (real - 1, fake - 1), (2 * real, 2 * fake))
    )
    return _alike(d, shifted, size=d.abs()) and _alike(2 * d, doubled, size=d.abs())


def _alike(one: Tensor, other: Tensor, *, size: Tensor) -> bool:
    """Whether they differ by rounding only, for values as large as ``size``: an option may scale all of them."""
    return bool(((one - other).abs() <= 1e-9 * size + UNDERFLOW).all())


def needs_energy(subject: Subject) -> bool:
    """Whether D gains without end by logits of real data above 0, where an energy ends, bounded slopes or not."""
    loss, zero = subject.build(SPEC), torch.zeros(1, dtype=torch.float64)
    at_zero, far, further = (objectives(loss, zero + at, zero)[0].item() for at in (0.0, 1e3, 2e3))
    endless = far < at_zero and abs((further - far) - (far - at_zero)) <= 1e-3 * abs(far - at_zero)
    return endless and not needs_lipschitz(subject)


MEASURES: Mapping[str, Any] = {
    "generator_needs_real": generator_needs_real,
    "paired": paired,
    "saturating": saturating,
    "exponential": exponential,
    "batch_nonlinear": batch_nonlinear,
    "needs_lipschitz": needs_lipschitz,
    "needs_energy": needs_energy,
}
