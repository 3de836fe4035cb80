"""Spectral norm regularization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.generator_at_hand import network_of
from ganzoo_regularizers.weight_matrices import weight_matrices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from ganzoo.protocols import DataSpec, Player, StepView


class SpectralRegularization(RegularizerOptions):
    """Sum of the squared spectral norms of the discriminator's weights, in the discriminator's step.

    Formula:
        D: λ/2·Σ σ(W)²,  σ = uᵀ·W·v with u, v held fixed,  gradient λ·σ·u·vᵀ
        v ← Wᵀu/‖Wᵀu‖,  u ← W·v/‖W·v‖  once per update of D

    λ is ``weight``. W is every parameter with two axes or more, embedding tables included and normalization layers
    excluded, as an (out, rest) matrix; σ(W) is that matrix's largest singular value and not the operator norm of a
    convolution. u starts at random and approaches the first singular vector within some updates; before that, σ is too
    small. u and v are part of checkpoints. For a weight under spectral norm, W is the stored parameter before its
    division by σ(W): the output does not depend on its size, so the penalty only changes how fast it learns.

    Where implementations differ: some also differentiate the power iteration; the paper does not, and neither does
    ganzoo. This penalty does not limit the slope of a critic by itself, so it gives no bound to a Wasserstein loss.

    Source: Yoshida & Miyato 2017, arXiv:1705.10941, section 3 and algorithm 1.
    """

    weight: float = Field(default=0.01, ge=0, description="λ; the term is λ/2·Σ σ(W)²")

    def build(self, spec: DataSpec) -> SpectralRegularizationRegularizer:
        """The regularizer with its singular vectors."""
        return SpectralRegularizationRegularizer()


class SpectralRegularizationRegularizer(Regularizer):
    """The term of :class:`SpectralRegularization` and the vectors u, v of each weight, by its name."""

    def __init__(self) -> None:
        self.vectors: dict[str, tuple[Tensor, Tensor]] = {}

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``spectral_regularization``; none if the discriminator has no such weight."""
        terms = []
        for name, matrix in weight_matrices(network_of(view, name="spectral-regularization"), embeddings=True):
            if name not in self.vectors:
                start = torch.randn(len(matrix), generator=view.random).to(matrix, non_blocking=True)
                self.vectors[name] = iterated(matrix, start)
            u, v = (vector.to(matrix, non_blocking=True) for vector in self.vectors[name])
            terms.append((u @ matrix @ v).square() / 2)
        return {"spectral_regularization": torch.stack(terms).sum()} if terms else {}

    def after_step(self, player: Player, network: nn.Module) -> None:
        """One power iteration on the current weights, so that all micro-batches of a step see the same vectors."""
        if player == "discriminator":
            for name, matrix in weight_matrices(network, embeddings=True):
                if name in self.vectors:
                    self.vectors[name] = iterated(matrix, self.vectors[name][0].to(matrix, non_blocking=True))

    def state_dict(self) -> dict[str, Tensor]:
        """Both vectors of each weight: ``NAME.u`` and ``NAME.v``; nothing before the first step."""
        return {f"{name}.{side}": pair["uv".index(side)] for name, pair in self.vectors.items() for side in "uv"}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        names = [key.removesuffix(".u") for key in state if key.endswith(".u")]
        self.vectors = {name: (state[f"{name}.u"].clone(), state[f"{name}.v"].clone()) for name in names}


@torch.no_grad()
def iterated(matrix: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """One power iteration: better estimates of the first singular vectors u (out,) and v (rest,)."""
    v = F.normalize(matrix.T @ u, dim=0)
    return F.normalize(matrix @ v, dim=0), v
