"""The hinge objective without its corner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ganzoo.component import Options

if TYPE_CHECKING:
    from torch import Tensor


class SmoothHinge(Options):
    """Hinge loss whose slope falls to zero over a stretch instead of at a corner.

    Formula:
        D: E h(r) + E h(−f)
        G: −E f
        h(v) = 0 for v ≥ 1,  (1−v)²/(2γ) for 1−γ < v < 1,  1 − v − γ/2 for v ≤ 1−γ

    r and f are the logits of real and fake, of any shape; E is the mean over every element; γ is ``width``. For γ → 0
    this is the hinge loss. At zero logits with γ = 1: D = 1, G = 0.

    Source: the smoothed hinge of Shalev-Shwartz & Zhang 2013, arXiv:1209.1873, in the GAN objective of Lim & Ye 2017,
    arXiv:1705.02894.
    """

    width: float = Field(default=1.0, gt=0, description="γ, the stretch below the margin 1")

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        return self._hinge(real).mean() + self._hinge(-fake).mean()

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return -fake.mean()

    def _hinge(self, v: Tensor) -> Tensor:
        shortfall = (1 - v).relu()
        curved = shortfall.clamp(max=self.width)
        return curved * (shortfall - curved / 2) / self.width
