"""The residual block and the stages of R3GAN, which its generator and its critic share."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

SLOPE = 0.2
GROUP = 16
"""Channels in each group of the 3×3 convolution."""
EXPANSION = 2
"""How many times as wide that convolution is as the stem."""
WIDEST_UP_TO = 32
"""Up to this side all stages are equally wide; above, widths halve toward the image."""


class FixupResidual(nn.Module):
    """An inverted bottleneck with a grouped convolution, without any normalization.

    Formula:
        y = x + W₃·lrelu₀.₂(W₂ ∗ lrelu₀.₂(W₁·x + b₁) + b₂)

    W₁ and W₃ are 1×1 convolutions, from the width C of the stem to 2C and back, W₂ a 3×3 convolution in groups of 16
    channels. At the start W₃ is 0, so the block is the identity; W₁ and W₂ start from N(0, 2/((1 + 0.2²)·fan_in))
    times L^(−¼), where L (``among``) is the number of such blocks in the network, and biases from 0. The block has
    4C² + 292C parameters.

    Source: Huang et al. 2024, arXiv:2501.05441, section 3; the initialization: Zhang et al. 2019, arXiv:1901.09321.
    """

    def __init__(self, width: int, *, among: int) -> None:
        super().__init__()
        wide = EXPANSION * width
        self.widen = nn.Conv2d(width, wide, 1)
        self.mix = nn.Conv2d(wide, wide, 3, padding=1, groups=wide // GROUP)
        self.narrow = nn.Conv2d(wide, width, 1, bias=False)
        for layer in (self.widen, self.mix):
            he_normal(layer, gain=sqrt(2 / (1 + SLOPE**2)) * among**-0.25)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) → the same shape."""
        hidden = F.leaky_relu(self.widen(maps), SLOPE)
        hidden = F.leaky_relu(self.mix(hidden), SLOPE)
        summed: Tensor = maps + self.narrow(hidden)
        return summed


def he_normal(layer: nn.Conv2d | nn.Linear, *, gain: float = 1.0) -> None:
    """Weights from N(0, gain²/fan_in), biases 0."""
    nn.init.normal_(layer.weight, 0.0, gain / sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def plain_layer(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """A layer without activation after it, which keeps the variance."""
    he_normal(layer)
    return layer


def stage_widths(width: int, side: int, count: int) -> list[int]:
    """The width at the first map, of ``side`` pixels, and after each of ``count`` doublings; none below 8."""
    sides = [side << number for number in range(count + 1)]
    return [max(GROUP // EXPANSION, width if one <= WIDEST_UP_TO else _halved(width, one)) for one in sides]


def _halved(width: int, side: int) -> int:
    """Half as wide for each doubling beyond, in steps of 8."""
    step = GROUP // EXPANSION
    while side > WIDEST_UP_TO:
        width, side = width // 2, side // 2
    return width // step * step


def blocks_of(width: int, count: int, *, among: int) -> nn.Sequential:
    """The residual blocks of a stage."""
    return nn.Sequential(*(FixupResidual(width, among=among) for _ in range(count)))
