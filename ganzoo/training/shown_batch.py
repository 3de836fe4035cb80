"""What critics are shown of a batch: conditions beside it, real data with wrong conditions, several samples as one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.training.given_data import with_condition


@dataclass(frozen=True, kw_only=True)
class ShownBatch:
    """How a batch is arranged for critics.

    Attributes:
        pac: samples that are joined along their channels, in order, so that a critic judges k at once: (N, C, …)
            becomes (N/k, kC, …). Penalties are then of the joined samples, and what couples samples is data, not a
            layer. Lin et al. 2018, arXiv:1712.04086.
        mismatch: whether critics also see each real sample with the condition of the one before it, as a fake.
            Reed et al. 2016, arXiv:1605.05396, section 4.1.
    """

    pac: int = 1
    mismatch: bool = False

    def side(self, data: Tensor, condition: Tensor | None) -> Tensor:
        """One side, as critics see it."""
        return self.packed(with_condition(data, condition))

    def channels(self, data: Tensor, condition: Tensor | None) -> int:
        """How many :meth:`side` has."""
        return self.pac * sum(side.shape[1] for side in (data, condition) if side is not None and side.ndim > 1)

    def with_mismatched(self, fakes: Tensor, real: Tensor, condition: Tensor | None) -> Tensor:
        """Fakes that have their conditions, and behind them real data with wrong ones; not packed yet.

        Conditions are rolled by one place within the batch or the part of it that is given.
        """
        if not self.mismatch:
            return fakes
        if condition is None or len(condition) < 2:
            raise ConfigError(
                "mismatch shows critics real data with the condition of the sample before, and there is none",
                given="condition=None" if condition is None else f"a batch of {len(condition)}",
                allowed="condition= in update(), for two samples or more",
                hint="ganzoo.Adversary(…, mismatch=False), or give the condition",
            )
        return torch.cat([fakes, with_condition(real, condition.roll(1, 0)).to(fakes.dtype)])

    def packed(self, data: Tensor) -> Tensor:
        """Every ``pac`` samples as one."""
        if self.pac == 1:
            return data
        if len(data) % self.pac:
            raise ConfigError(
                f"critics judge {self.pac} samples at once, so a batch must be a multiple of that",
                given=f"a batch of {len(data)}",
                allowed=f"{self.pac}, {2 * self.pac}, {3 * self.pac}, … samples, in each part of a batch",
                hint="drop_last=True in the loader, with another batch_size, or another pac=",
            )
        return data.reshape(len(data) // self.pac, self.pac * data.shape[1], *data.shape[2:])

    def demand_no_labels(self, *labels: Tensor | None) -> None:
        """Refuse labels where it would not be clear whose they are."""
        if all(one is None for one in labels) or (self.pac == 1 and not self.mismatch):
            return
        raise ConfigError(
            "labels cannot be told of samples that are joined, nor made wrong by those of a neighbor, which may be of "
            "the same class",
            given="labels with " + ("mismatch=True" if self.pac == 1 else f"pac={self.pac}"),
            allowed="condition=, which goes with each sample",
            hint="give the label as a condition, one channel for each class",
        )
