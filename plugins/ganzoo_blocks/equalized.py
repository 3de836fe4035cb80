"""Layers with an equalized learning rate: weights start from N(0, 1) and are scaled when they are used.

They are those of the generator ``stylegan`` and of the discriminator ``stylegan2``. Whatever grows as Progressive GAN
does is built of the same two layers::

    layer = ScaledConvolution(before, after, kernel=3)  # keeps the size; ``activated`` follows it
    head = ScaledLinear(features, 1)  # rate=0.01 for a mapping network

``activated`` rescales its output by √2, as in StyleGAN2, so ``gain`` stays 1. Progressive GAN has a plain LeakyReLU
instead and scales the weights before it: there ``gain`` is √2, but 1 for the last layer.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

SLOPE = 0.2


class ScaledLinear(nn.Module):
    """A linear layer with an equalized learning rate.

    Formula:
        y = m·gain·(W/√fan_in)·x + m·b;  W₀ ~ N(0, 1/m²), b₀ = ``bias``/m,  m = ``rate``

    An optimizer such as Adam moves every weight about equally far, whatever its scale; so all layers learn equally
    fast, and this one ``rate`` times as fast.

    Source: Karras et al. 2018, arXiv:1710.10196, section 4.1; the rate: Karras et al. 2019, arXiv:1812.04948.
    """

    def __init__(self, before: int, after: int, *, bias: float = 0.0, rate: float = 1.0, gain: float = 1.0) -> None:
        super().__init__()
        self.rate = rate
        self.gain = gain
        self.weight = nn.Parameter(torch.randn(after, before) / rate)
        self.bias = nn.Parameter(torch.full((after,), bias / rate))

    def forward(self, values: Tensor) -> Tensor:
        """(N, before) → (N, after)."""
        scale = self.gain * self.rate / sqrt(self.weight.shape[1])
        return F.linear(values, self.weight * scale, self.bias * self.rate)


class ScaledConvolution(nn.Module):
    """A convolution with an equalized learning rate.

    Formula:
        y = gain·(W/√(before·kernel²)) ∗ x + b;  W₀ ~ N(0, 1), b₀ = 0

    Inputs that are independent and of variance 1 give outputs of variance gain². With stride 1 and the usual
    ``padding``, half the kernel, the size stays. ``bias`` False leaves b out.

    Source: Karras et al. 2018, arXiv:1710.10196, section 4.1.
    """

    def __init__(
        self,
        before: int,
        after: int,
        *,
        kernel: int,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.padding = kernel // 2 if padding is None else padding
        self.scale = gain / sqrt(before * kernel**2)
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after)) if bias else None

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) → (N, after, H, W), smaller with a stride."""
        return F.conv2d(maps, self.weight * self.scale, self.bias, self.stride, self.padding)


def activated(values: Tensor) -> Tensor:
    """LeakyReLU of slope 0.2, times √2, which preserves the scale of its input."""
    return F.leaky_relu(values, SLOPE) * sqrt(2)
