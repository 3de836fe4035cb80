"""What a loss says by itself of how the game stands: its value at p_g = p_data, and the best that D can reach.

All of it is found by asking the loss, so that a loss from anywhere is judged like ganzoo's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.protocols import StatefulLoss

TOLERANCE = 1e-6
NEAR = 10.0
"""Logits of trained discriminators rarely leave ±10; the values of known losses at p_g = p_data lie within."""
FAR, FARTHER = 100.0, 1000.0
"""What D can gain is bounded if it gains nothing more from logits ten times as large."""
STILL_FALLING = 0.01
"""Share of the gain by which an objective must fall from FAR to FARTHER to count as unbounded."""


@dataclass(frozen=True, kw_only=True)
class LossScale:
    """How the objectives of a loss are to be read.

    Attributes:
        loss: the loss itself.
        level: D's objective at p_g = p_data with the best D; ``None`` if it is not known.
        floor: the least that D's objective can be; ``None`` if it has no bound, as for ``wgan``, or is not known.
        logits: what the best D may answer everywhere at p_g = p_data, from–to; ``None`` if unknown or any.
        compares: whether G's objective takes real logits too.
    """

    loss: Any
    level: float | None
    floor: float | None
    logits: tuple[float, float] | None
    compares: bool = False

    @classmethod
    def of(cls, loss: Any, *, energy: bool = False, compares: bool = False) -> LossScale:
        """Ask a loss.

        A loss that adapts (:class:`~ganzoo.protocols.StatefulLoss`) has no fixed objective: of such a loss only what it
        states is known. For others the level is the stated one, or else the least D(c, c) over constant answers c.

        Args:
            loss: with ``discriminator_loss`` and ``generator_loss``.
            energy: whether it reads logits as −energy, so that none is above 0 (the tag ``needs_energy``).
            compares: whether ``generator_loss`` takes ``real`` (the tag ``generator_needs_real``).
        """
        level = equilibrium(loss).get("d")
        if isinstance(loss, StatefulLoss):
            return cls(loss=loss, level=level, floor=None, logits=None, compares=compares)
        level = _best_constant(loss, energy=energy) if level is None else level
        floor = None if level is None else _floor(loss, level, energy=energy)
        return cls(loss=loss, level=level, floor=floor, logits=balance(loss, energy=energy), compares=compares)

    def advantage(self, value: float) -> float | None:
        """What D has gained: (level − value) / (level − floor).

        It is 0 for a D that answers the same for every sample, 1 where nothing is left to be gained, and below 0 where
        D is wrong. ``None`` if the loss has no level or no floor.
        """
        if self.level is None or self.floor is None:
            return None
        return (self.level - value) / (self.level - self.floor)

    def pull(self, *, real: float, fake: float) -> float | None:
        """How hard the loss pulls a fake up at this logit, relative to how hard it does at p_g = p_data.

        That is |dG/df| at ``fake`` over |dG/df| at the middle of ``logits``, or at 0 where these are not known. Near 0
        it has no slope left, whatever D is. ``None`` if it has none at p_g = p_data either.
        """
        even = 0.0 if self.logits is None else sum(self.logits) / 2
        there = self._slope(even, even)
        return self._slope(real, fake) / there if there > 0 and math.isfinite(there) else None

    def _slope(self, real: float, fake: float) -> float:
        at = torch.tensor([fake], dtype=torch.float64, requires_grad=True)
        given = {"real": torch.tensor([real], dtype=torch.float64)} if self.compares else {}
        with torch.enable_grad():
            value = self.loss.generator_loss(**given, fake=at)
            return abs(torch.autograd.grad(value, at)[0].item()) if value.requires_grad else 0.0


def equilibrium(loss: Any) -> dict[str, float]:
    """The values at p_g = p_data with the best D, of the players for which the loss states one."""
    return dict(loss.equilibrium()) if hasattr(loss, "equilibrium") else {}


def balance(loss: Any, *, energy: bool, limit: float = NEAR) -> tuple[float, float] | None:
    """The logits that the best D may give everywhere at p_g = p_data, from–to.

    There D's objective is a mean of D(c, c) over the samples, so each sample's logit minimizes D(c, c). Where that is
    not the value that the loss states, or every logit does as well, nothing is known of the logits.
    """
    stated = equilibrium(loss).get("d")
    if stated is None:
        return None
    highest = 0.0 if energy else limit
    # 20 points to a unit: the logits of the known losses, 0, ½ and 1, are among them.
    candidates = torch.linspace(-limit, highest, round(20 * (limit + highest)) + 1, dtype=torch.float64)
    values = _values(candidates, lambda c: loss.discriminator_loss(real=c, fake=c))
    least = values.min().item()
    best = candidates[values <= least + TOLERANCE * max(1.0, abs(least))]
    if not math.isclose(least, stated, rel_tol=1e-3, abs_tol=1e-3) or len(best) == len(candidates):
        return None
    return best.min().item(), best.max().item()


def _best_constant(loss: Any, *, energy: bool) -> float | None:
    """The least D(c, c), unless ever larger logits make it ever less."""
    near, far = (
        _values(_logits(reach, energy=energy), lambda c: loss.discriminator_loss(real=c, fake=c)).min().item()
        for reach in (NEAR, FARTHER)
    )
    return near if math.isclose(near, far, rel_tol=1e-3, abs_tol=1e-3) else None


def _floor(loss: Any, level: float, *, energy: bool) -> float | None:
    """The least D(r, f) over all logits; ``None`` if it has no bound, or D can gain nothing at all."""
    far, farther = (_least(loss, _logits(reach, energy=energy)) for reach in (FAR, FARTHER))
    gain = level - farther
    if gain <= TOLERANCE or far - farther > STILL_FALLING * gain:
        return None
    # What an exponential leaves at the farthest logits is no number to be shown.
    return farther if abs(farther) > TOLERANCE * gain else 0.0


def _least(loss: Any, logits: Tensor) -> float:
    """The least D(r, f), sought along r, then along f: an objective of GANs falls in each alone, or in r − f."""
    zero = torch.zeros(1, dtype=torch.float64)
    along_real = _values(logits, lambda real: loss.discriminator_loss(real=real, fake=zero))
    real = logits[along_real.argmin()].reshape(1)
    return _values(logits, lambda fake: loss.discriminator_loss(real=real, fake=fake)).min().item()


def _logits(reach: float, *, energy: bool) -> Tensor:
    """From −reach to reach, or to 0: evenly spaced near 0, where targets lie, and by factors beyond."""
    near = torch.linspace(-NEAR, NEAR, 81, dtype=torch.float64)
    beyond = torch.logspace(math.log10(NEAR), math.log10(reach), 9, dtype=torch.float64)
    both = torch.cat([-beyond.flip(0), near[1:-1], beyond])
    return both[both <= 0] if energy else both


def _values(logits: Tensor, objective: Callable[[Tensor], Tensor]) -> Tensor:
    """An objective at each logit; where an exponential overflows it is infinite, and no minimum."""
    with torch.no_grad():
        values = torch.stack([objective(at.reshape(1)).double().reshape(()) for at in logits])
    return torch.where(values.isfinite(), values, torch.inf)
