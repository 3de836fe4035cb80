"""The gradient penalty of WGAN-GP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.critic_gradient import gradient_norms

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class GradientPenalty(RegularizerOptions, Regularizer):
    """Penalty on the critic's slope at random points between real and fake, in the discriminator's step.

    Formula:
        D: λ·Eᵢ(nᵢ − k)²,  nᵢ = √(‖∇D̄(x̂ᵢ)‖² + 1e-12)
        x̂ᵢ = αᵢ·xᵢ + (1−αᵢ)·G(z)ᵢ,  αᵢ ~ U[0, 1)

    λ is ``weight``, k is ``target``. The norm is computed for each sample separately, over all of C·H·W; α is one
    number per sample. D̄ is the mean logit of a sample, over the patches of each map and then over the maps, so that λ
    means the same for any number of patches; class logits are not used. With ``one_sided`` only slopes above k are
    penalized: relu(nᵢ−k)². The gradient is taken at un-augmented images. For a linear critic of slope s the term is
    λ(s−k)².

    Where implementations differ: one norm over the whole batch (torchgan) and one norm per pixel (MMGeneration) are
    mistakes. With BatchNorm in the critic the samples are coupled, and the penalty is not the paper's.

    Raises:
        ConfigError: if real and fake images differ in shape.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, equation 3; one-sided: Petzka et al. 2018, arXiv:1709.08894.
    """

    weight: float = Field(default=10.0, ge=0, description="λ, the factor of the term")
    target: float = Field(default=1.0, ge=0, description="k, the target slope")
    one_sided: bool = Field(default=False, description="penalize only slopes above the target")
    labels: Literal["real", "fake"] = Field(
        default="real", description="whose labels a conditional critic gets with the interpolated points"
    )

    def tags(self) -> frozenset[str]:
        """The penalty limits the slope, and needs a critic that judges each sample by itself."""
        return frozenset({"limits_slope", "needs_per_sample_independence"})

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``gradient_penalty``."""
        labels = view.real_labels if self.labels == "real" else view.fake_labels
        excess = gradient_norms(view.critic, between(view), labels) - self.target
        if self.one_sided:
            excess = F.relu(excess)
        return {"gradient_penalty": excess.square().mean()}


def between(view: StepView) -> Tensor:
    """A point on the segment between each real image and the fake at its place.

    α is one number per sample, drawn in order, so that a generator carried from one micro-batch to the next draws what
    it would have drawn for the whole batch.
    """
    if view.real.shape != view.fake.shape:
        raise ConfigError(
            "regularizer gradient-penalty pairs each real image with a fake image, but their batches differ in shape",
            given=f"real {tuple(view.real.shape)}, fake {tuple(view.fake.shape)}",
            allowed="equal shapes",
            hint="draw as many fakes as there are real images, of the same size",
        )
    ones = (1,) * (view.real.dim() - 1)
    alpha = torch.rand(len(view.real), *ones, generator=view.random).to(view.real, non_blocking=True)
    return alpha * view.real.detach() + (1 - alpha) * view.fake.detach()
