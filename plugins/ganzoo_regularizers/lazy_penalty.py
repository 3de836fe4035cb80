"""What R1 and R2 have in common: a factor γ, and StyleGAN2's correction where the term is lazy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ganzoo.component import RegularizerOptions


class LazyPenaltyOptions(RegularizerOptions):
    """Options of a squared slope in the discriminator's step."""

    weight: float = Field(default=10.0, ge=0, description="γ; the term is γ/2·E‖∇D‖²")
    lazy_adam: bool = Field(
        default=False, description="for every = k > 1, set D's Adam to lr·c and β^c, c = k/(k+1), as StyleGAN2 does"
    )

    def tags(self) -> frozenset[str]:
        """The penalty limits the slope, and needs a critic that judges each sample by itself."""
        return frozenset({"limits_slope", "needs_per_sample_independence"})

    def optimizer_correction(self) -> dict[Literal["discriminator", "generator"], float]:
        """For D, c = k/(k+1) if ``lazy_adam`` is on and the term is lazy."""
        return {"discriminator": self.every / (self.every + 1)} if self.lazy_adam and self.every > 1 else {}
