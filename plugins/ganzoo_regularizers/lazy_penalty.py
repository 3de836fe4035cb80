"""What R1 and R2 have in common: a factor γ, an estimate, and StyleGAN2's correction where the term is lazy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from ganzoo.component import RegularizerOptions
from ganzoo_regularizers.critic_difference import squared_differences
from ganzoo_regularizers.critic_gradient import squared_gradient_norms

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class LazyPenaltyOptions(RegularizerOptions):
    """Options of a squared slope in the discriminator's step."""

    weight: float = Field(default=10.0, ge=0, description="γ; the term is γ/2·E‖∇D‖²")
    lazy_adam: bool = Field(
        default=False, description="for every = k > 1, set D's Adam to lr·c and β^c, c = k/(k+1), as StyleGAN2 does"
    )
    estimate: Literal["exact", "difference"] = Field(
        default="exact",
        description="the gradient itself, or a difference of two verdicts, which needs no second derivative",
    )
    sigma: float = Field(default=0.01, gt=0, description="σ, the size of the step of `difference`")
    share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="the share of a batch, or of each micro-batch, that `difference` looks at: its first samples",
    )

    @model_validator(mode="after")
    def _belong_to_difference(self) -> Self:
        if self.estimate == "exact" and (self.sigma, self.share) != (0.01, 1.0):
            raise ValueError("sigma and share belong to estimate: difference; estimate is exact")
        return self

    def tags(self) -> frozenset[str]:
        """The penalty limits the slope, and needs a critic that judges each sample by itself."""
        tags = frozenset({"limits_slope", "needs_per_sample_independence"})
        # The first samples of each micro-batch are not the first of the batch.
        return tags | {"batch_nonlinear"} if self.share < 1 else tags

    def optimizer_correction(self) -> dict[Literal["discriminator", "generator"], float]:
        """For D, c = k/(k+1) if ``lazy_adam`` is on and the term is lazy."""
        return {"discriminator": self.every / (self.every + 1)} if self.lazy_adam and self.every > 1 else {}

    def half_squared_slope(self, view: StepView, images: Tensor, labels: Tensor | None) -> Tensor:
        """½·E‖∇D̄‖² at images, or its estimate."""
        if self.estimate == "exact":
            return squared_gradient_norms(view.critic, images, labels).mean() / 2
        return squared_differences(view, images, labels, sigma=self.sigma, share=self.share).mean() / 2
