"""The energy-based objective that balances itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from pydantic import Field

from ganzoo.component import Options

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class Began(Options):
    """Reconstruction errors, balanced at a ratio: D separates fakes only so far that L(G) stays near γ·L(x).

    Formula:
        D: L(x) − k·L(G)
        G: L(G)
        then k ← clip(k + λ_k·(γ·L(x) − L(G)), 0, 1),  k₀ = 0

    L(x) = −E r and L(G) = −E f are the mean reconstruction errors, that is, the negated logits of real and fake
    samples. Logits may have any shape; E is the mean over all elements; γ is ``gamma``, λ_k is ``lambda_k``. k is
    adapted after every update of D from the logits of that update, and is part of every checkpoint; D gets no gradient
    through k. At zero logits both objectives are 0. The logits are ≤ 0, so the share of logits above 0 carries no
    information; k and the paper's measure of convergence, L(x) + |γ·L(x) − L(G)|, are logged instead.

    These options are not a loss by themselves, because k is state: ``build`` makes the loss, each with its own k. The
    reconstruction error is that of ``autoencoder``. The paper uses the mean absolute error, so the loss *suggests* that
    discriminator with ``discriminator.distance`` l1, Adam at 1e-4, and batches of 16.

    Where implementations differ: γ is 0.3 to 0.7 in the paper's figures and ½ in common reimplementations. The paper
    updates both players and k at once; here k is adapted after each update of D, so more often than G is updated if
    ``train.n_critic`` is above 1. The paper halves the learning rate when the measure of convergence stalls; ganzoo
    does not. The paper names Adam without betas, so Adam's own (0.9, 0.999) are suggested.

    Source: Berthelot et al. 2017, arXiv:1703.10717, section 3.4 (objective and k) and section 3.4.1 (convergence).
    """

    gamma: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="γ, the target ratio L(G)/L(x): higher = more varied samples",
    )
    lambda_k: float = Field(default=1e-3, gt=0, description="λ_k, the step size of k")

    def tags(self) -> frozenset[str]:
        """The logits are read as negated energies."""
        return frozenset({"needs_energy"})

    def build(self, spec: DataSpec) -> BeganLoss:
        """The loss, at k = 0."""
        return BeganLoss(gamma=self.gamma, lambda_k=self.lambda_k)


class BeganLoss:
    """BEGAN's objective at the current k.

    Attributes:
        k: how much D is rewarded for errors on fakes: a scalar float32 tensor in [0, 1], on the logits' device.
    """

    def __init__(self, *, gamma: float, lambda_k: float) -> None:
        self.gamma = gamma
        self.lambda_k = lambda_k
        self.k = torch.zeros((), dtype=torch.float32)

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        return self.k.to(fake, non_blocking=True) * fake.mean() - real.mean()

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return -fake.mean()

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The current k, and the measure of convergence, which falls while training goes well."""
        return {"began/k": self.k, "began/convergence": (self._surplus(real, fake).abs() - real.mean()).detach()}

    def after_update(self, *, real: Tensor, fake: Tensor) -> None:
        """Adapt k without waiting for the device."""
        surplus = self._surplus(real.detach().to(self.k.dtype), fake.detach().to(self.k.dtype))
        # A new tensor, never in place: graphs and checkpoints may still hold the last one.
        self.k = (self.k.to(surplus.device, non_blocking=True) + self.lambda_k * surplus).clamp(0, 1)

    def state_dict(self) -> dict[str, Tensor]:
        """The current k."""
        return {"k": self.k}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore k."""
        self.k = state["k"].detach().to(self.k.dtype).clone()

    def _surplus(self, real: Tensor, fake: Tensor) -> Tensor:
        """γ·L(x) − L(G)."""
        return fake.mean() - self.gamma * real.mean()
