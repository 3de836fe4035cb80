"""Weight clipping, as in the first Wasserstein GAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.weight_matrices import NORMALIZATIONS

if TYPE_CHECKING:
    from torch import nn

    from ganzoo.protocols import Player


class WeightClip(RegularizerOptions, Regularizer):
    """Clips the discriminator's parameters to a box after each of its updates; adds no term.

    Formula:
        after D's optimizer step: θ ← min(max(θ, −c), c)

    c is ``clip``. Weights and biases are clipped; the affine parameters of normalization layers (batch, instance,
    group, layer, RMS) are clipped only with ``include_affine``. Frozen parameters are not clipped, nor are buffers:
    neither running statistics nor the vectors of spectral norm. For a parametrized weight, the stored parameter is
    clipped, not the weight computed from it: under spectral norm that is W before its division by σ(W), so the weights
    in use keep norm 1 and may leave the box. A projection has no factor, so ``weight`` has no effect; ``every`` has
    none either, because no parameter that learns may stay outside the box.

    Where implementations differ: the authors' code also clips the affine parameters of BatchNorm, whose scales of about
    1 then fall to 0.01. It clips before each of D's updates; the paper's algorithm clips after it, as does ganzoo.

    Source: Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1.
    """

    schedulable: ClassVar[frozenset[str]] = frozenset()
    """A weight without effect follows no schedule."""

    weight: float = Field(default=1.0, ge=0, description="no effect: a projection has no factor")
    every: int = Field(default=1, ge=1, description="no effect: the projection follows each update of D")
    clip: float = Field(default=0.01, gt=0, description="c, the bound of every parameter")
    include_affine: bool = Field(
        default=False, description="also clip the affine parameters of normalization layers, as the authors do"
    )

    def tags(self) -> frozenset[str]:
        """A network whose weights are bounded has a bounded slope."""
        return frozenset({"limits_slope"})

    @torch.no_grad()
    def after_step(self, player: Player, network: nn.Module) -> None:
        """Clip in place, after the discriminator's step only."""
        if player != "discriminator":
            return
        for module in network.modules():
            if self.include_affine or not isinstance(module, NORMALIZATIONS):
                for parameter in module.parameters(recurse=False):
                    if parameter.requires_grad:
                        parameter.clamp_(-self.clip, self.clip)
