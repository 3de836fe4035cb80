"""The U-Net discriminator."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Self

import torch
from ganzoo_blocks.image_shape import image_shape, width_by_size
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from ganzoo.component import Options
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.halving import halvings
from ganzoo_discriminators.residual_block import ResidualBlock
from ganzoo_discriminators.resnet_trunk import sum_pooled
from ganzoo_discriminators.spectral_layers import glorot_linear, orthogonal_convolution

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

LARGEST_FACTOR = 8
"""Widths double from block to block up to this multiple of the first."""
DEEP = 5
"""With this many halvings or more, the last block is twice as wide as that."""


class Unet(Options):
    """Judges the image as a whole and each of its pixels: an encoder, and a decoder that sees the encoder's maps.

    Formula:
        x (N, C, S, S) → n halving blocks → e_n (N, w, b, b),  S = b·2ⁿ;  logit (N,) = w·Σ relu(e_n) + b
        d₁ = up(e_n), d_{j+1} = up([d_j, e_{n−j}]) → d_n (N, ndf, S, S) → 1×1 conv → pixel logits (N, 1, S, S)
        widths: ndf, 2·ndf, 4·ndf, then 8·ndf, and 16·ndf for the last of five or more; the decoder mirrors them

    ``logits`` judges the whole image and ``extra_logits`` judges its pixels: the loss is computed for each, averaged
    over pixels, and summed, L = L_enc + L_dec. Images are square, with b ∈ {4, 5, 6, 7}, n ≥ 1. Blocks are residual,
    with two 3×3 convolutions; the encoder averages over 2×2 pixels, the decoder repeats each pixel. Every weight is
    divided by the spectral norm of its (out, rest) matrix; there is no other norm. Convolutions start orthogonal, the
    linear layer starts from Glorot's uniform distribution, biases start at zero. Features are the activations after
    each block, encoder first. Labels are ignored.

    Where implementations differ: the paper also trains on CutMix images, and asks the pixel logits to be consistent
    under it; that is *not* part of this discriminator. The authors' code halves the sum of both losses, has no spectral
    norm on the last 1×1 convolution, also starts the linear layer orthogonal, and supports only 128 and 256 px, with
    these widths; its class-conditional form adds a projection to both kinds of logits.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above.

    Source: Schönfeld et al. 2020, arXiv:2002.12655, section 3.1 (CutMix: section 3.2), and the authors' code.
    """

    ndf: int | None = Field(
        default=None, ge=1, le=65_536, description="width of the first block; by default 32 below 64 px, else 64"
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ndf": self._first_width(spec)})

    def tags(self) -> frozenset[str]:
        """The same for all options. Its ``logits`` are not patches."""
        return frozenset({"image", "multiple_outputs", "provides_features", "spectral_norm"})

    def build(self, spec: DataSpec) -> UnetNetwork:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator unet")
        count, _ = halvings(height, width, discriminator="unet")
        return UnetNetwork(channels, [self._first_width(spec) * factor for factor in factors(count)])

    def _first_width(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, of="discriminator unet")
        return self.ndf or width_by_size(height, width)


def factors(count: int) -> list[int]:
    """Width of each of ``count`` halving blocks as a multiple of the first: 1, 2, 4, 8, 16 for five."""
    doubling = [min(2**index, LARGEST_FACTOR) for index in range(count)]
    return [*doubling[:-1], 2 * LARGEST_FACTOR] if count >= DEEP else doubling


class UnetNetwork(Discriminator):
    """The module behind :class:`Unet`, of the encoder's ``widths``."""

    def __init__(self, channels: int, widths: list[int]) -> None:
        super().__init__()
        pairs = pairwise([channels, *widths])
        self.encoder = nn.ModuleList(_down(*pair, first=index == 0) for index, pair in enumerate(pairs))
        self.to_logit = glorot_linear(widths[-1], 1)
        # Each step up ends as wide as the encoder's map of that size, the last one as wide as the largest map.
        upward = [*reversed(widths[:-1]), widths[0]]
        entering = [widths[-1], *(2 * width for width in upward[:-1])]
        self.decoder = nn.ModuleList(UpBlock(*pair) for pair in zip(entering, upward, strict=True))
        self.to_pixel_logits = orthogonal_convolution(widths[0], 1, 1)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,), pixel logits (N, 1, S, S) as extra ones, and the activations of each block."""
        down = [self.encoder[0](images)]
        for block in self.encoder[1:]:
            down.append(block(down[-1]))
        up = [self.decoder[0](down[-1])]
        for block, beside in zip(self.decoder[1:], reversed(down[:-1]), strict=True):
            up.append(block(torch.cat([up[-1], beside], dim=1)))
        return DiscriminatorOutput(
            logits=self.to_logit(sum_pooled(down[-1])).squeeze(1),
            features=(*down, *up),
            extra_logits=(self.to_pixel_logits(up[-1]),),
        )


class UpBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, at twice the size: each pixel becomes 2×2."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.into = orthogonal_convolution(before, after, 3)
        self.out = orthogonal_convolution(after, after, 3)
        self.shortcut = orthogonal_convolution(before, after, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, 2H, 2W); ``maps`` is not changed."""
        residual: Tensor = F.interpolate(F.relu(maps), scale_factor=2.0, mode="nearest")
        residual = self.out(torch.relu_(self.into(residual)))
        # A 1×1 convolution before the repetition is the same function as after it, for a quarter of the work.
        return residual + F.interpolate(self.shortcut(maps), scale_factor=2.0, mode="nearest")


def _down(before: int, after: int, *, first: bool) -> ResidualBlock:
    return ResidualBlock(
        before,
        after,
        halve=True,
        first=first,
        hidden=after,
        body=orthogonal_convolution,
        shortcut=orthogonal_convolution,
    )
