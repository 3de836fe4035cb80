"""BatchNorm with a gain and a shift per class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class ConditionalBatchNorm(nn.Module):
    """BatchNorm over the whole batch, then a gain and a shift per class; plain BatchNorm for ``classes`` 0.

    Formula:
        y_nc = γ_{label n, c}·(x_nc − μ_c)/√(σ²_c + ε) + β_{label n, c};  γ₀ = 1, β₀ = 0

    μ and σ² are those of all classes together: the class is used only afterwards.

    Source: Dumoulin et al. 2017, arXiv:1610.07629, section 2.2; in a GAN: Miyato & Koyama 2018, arXiv:1802.05637.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=not classes)
        self.gains = nn.Embedding(classes, channels) if classes else None
        self.shifts = nn.Embedding(classes, channels) if classes else None
        if self.gains is not None and self.shifts is not None:
            nn.init.ones_(self.gains.weight)
            nn.init.zeros_(self.shifts.weight)

    def forward(self, maps: Tensor, labels: Tensor | None) -> Tensor:
        """(N, C, H, W) to the same shape. Labels are used only if there are classes."""
        normalized: Tensor = self.norm(maps)
        if self.gains is None or self.shifts is None:
            return normalized
        gains: Tensor = self.gains(labels)
        shifts: Tensor = self.shifts(labels)
        return normalized * gains[:, :, None, None] + shifts[:, :, None, None]
