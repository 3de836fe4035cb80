"""The gradient penalty of DRAGAN."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.critic_gradient import gradient_norms

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class Dragan(RegularizerOptions, Regularizer):
    """Penalty on the critic's slope at random points around real data, in the discriminator's step.

    Formula:
        D: λ·Eᵢ(nᵢ − k)²,  nᵢ = √(‖∇D̄(x̂ᵢ)‖² + 1e-12)
        uniform:  x̂ᵢ = xᵢ + αᵢ·c·s·uᵢ,  αᵢ ~ U[0, 1) per sample, uᵢ ~ U[0, 1) per element
        gaussian: x̂ᵢ = xᵢ + δᵢ,  δᵢ ~ N(0, v·I)

    λ is ``weight``, k is ``target``, c is ``spread``, v is ``variance``, and s is the standard deviation of all
    elements of the real batch. The norm is computed for each sample separately, over all of C·H·W, and D̄ is the mean
    logit of a sample over patches and maps, as in ``gradient-penalty``. A conditional critic gets the labels of the
    real data; class logits are not used. For a linear critic of slope S the term is λ(S−k)².

    Where implementations differ: the paper uses Gaussian noise; the authors' code uses the uniform noise that is the
    default here, which is never negative and so moves the points toward brighter images. s is the population standard
    deviation, as in the authors' code; PyTorch ports divide by one element less. Torchgan takes one norm over the whole
    batch, which is a mistake. With micro-batches, s is computed for each micro-batch.

    Source: Kodali et al. 2017, arXiv:1705.07215, section 2; the authors' code.
    """

    weight: float = Field(default=10.0, ge=0, description="λ, the factor of the term")
    target: float = Field(default=1.0, ge=0, description="k, the target slope")
    noise: Literal["uniform", "gaussian"] = Field(
        default="uniform", description="noise added to real data: uniform (the authors' code) or gaussian (the paper)"
    )
    spread: float = Field(
        default=0.5, ge=0, description="c: size of uniform noise, in standard deviations of the batch"
    )
    variance: float = Field(default=10.0, ge=0, description="v: variance of gaussian noise")

    def tags(self) -> frozenset[str]:
        """The penalty limits the slope of a critic that judges each sample by itself; s depends on the batch."""
        tags = frozenset({"limits_slope", "needs_per_sample_independence"})
        return tags | {"batch_nonlinear"} if self.noise == "uniform" else tags

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``dragan``."""
        excess = gradient_norms(view.critic, self._around(view), view.real_labels) - self.target
        return {"dragan": excess.square().mean()}

    def _around(self, view: StepView) -> Tensor:
        """A random point near each real image. All numbers of a sample are drawn in a row, sample after sample."""
        real = view.real.detach()
        n, elements = len(real), real[0].numel()
        if self.noise == "gaussian":
            # One call per sample: the normal numbers that torch draws depend on how many are requested at once.
            rows = [torch.randn(elements, generator=view.random) for _ in range(n)]
            delta = torch.stack(rows).to(real, non_blocking=True)
            return real + sqrt(self.variance) * delta.view_as(real)
        drawn = torch.rand(n, 1 + elements, generator=view.random).to(real, non_blocking=True)
        alpha, u = drawn[:, :1], drawn[:, 1:]
        offset = self.spread * real.std(correction=0) * (alpha * u)
        return real + offset.view_as(real)
