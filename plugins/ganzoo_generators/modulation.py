"""StyleGAN2's layers: weights scaled when they are used, and convolutions whose weights depend on the style."""

from __future__ import annotations

from math import sqrt

import torch
from ganzoo_blocks.equalized import ScaledLinear, activated
from ganzoo_blocks.smoothing import Smoothing
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-8


class ModulatedConvolution(nn.Module):
    """A convolution whose weights are scaled per sample by a style computed from w, and back to unit length.

    Formula:
        s = affine(w);  W'_oik = s_i·W_oik/√fan_in;  W''_oik = W'_oik/√(Σ_ik W'²_oik + 1e-8);  y = W'' ∗ x

    It is computed by scaling the maps before and after one convolution that all samples share, which gives the same
    numbers. Inputs that are independent and have variance 1 give outputs of variance 1. Without ``demodulate`` y = W' ∗
    x. With ``double`` the map is doubled: a transposed convolution of stride 2, then the [1, 3, 3, 1] filter.

    Source: Karras et al. 2020, arXiv:1912.04958, equations 1 to 3.
    """

    def __init__(
        self, before: int, after: int, *, kernel: int, style: int, demodulate: bool = True, double: bool = False
    ) -> None:
        super().__init__()
        self.affine = ScaledLinear(style, before, bias=1.0)
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.demodulate = demodulate
        self.smoothing = Smoothing(gain=4.0) if double else None

    def forward(self, maps: Tensor, w: Tensor) -> Tensor:
        """Maps (N, before, H, W) and styles (N, style) → (N, after, H, W), or twice the side."""
        weight = self.weight / sqrt(self.weight[0].numel())
        scales = self.affine(w)
        maps = maps * scales[:, :, None, None]
        if self.smoothing is None:
            maps = F.conv2d(maps, weight, padding=weight.shape[-1] // 2)
        else:
            maps = self.smoothing(F.conv_transpose2d(maps, weight.transpose(0, 1), stride=2))
        if not self.demodulate:
            return maps
        lengths = F.linear(scales.square(), weight.square().sum(dim=(2, 3)))
        return maps * torch.rsqrt(lengths + EPSILON)[:, :, None, None]


class StyledConvolution(nn.Module):
    """A modulated convolution, noise, bias and activation.

    Formula:
        y = √2·lrelu₀.₂(conv(x, w) + strength·noise + bias),  noise ~ N(0, 1), one value per position, for all channels

    In training, noise is drawn anew from torch's global generator. In evaluation, it is the noise drawn when the layer
    was built, the same for all samples, so the output depends only on x and w. The strength is learned and starts at 0.

    Source: Karras et al. 2020, arXiv:1912.04958, figure 2c.
    """

    noise: Tensor

    def __init__(self, before: int, after: int, *, side: int, style: int, double: bool = False) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(before, after, kernel=3, style=style, double=double)
        self.register_buffer("noise", torch.randn(1, 1, side, side))
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(after))

    def forward(self, maps: Tensor, w: Tensor) -> Tensor:
        """(N, before, H, W) → (N, after, side, side)."""
        maps = self.convolution(maps, w)
        noise = torch.randn_like(maps[:, :1]) if self.training else self.noise
        return activated(maps + self.strength * noise + self.bias[:, None, None])
