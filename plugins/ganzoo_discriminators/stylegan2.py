"""The critic of StyleGAN2: residual skips, equalized learning rates and minibatch stddev."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, Literal, Self

from ganzoo_blocks.equalized import ScaledConvolution, ScaledLinear, activated
from ganzoo_blocks.image_shape import image_shape, width_by_size
from ganzoo_blocks.smoothing import Smoothing
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.halving import halvings
from ganzoo_discriminators.minibatch import MINIBATCH_TAGS, MinibatchStddev

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

WIDEST = 512
"""Widths double from block to block up to this many channels, or stay if the first is wider."""


class Stylegan2(Options):
    """Residual blocks that blur and halve, minibatch stddev, and weights that are scaled when they are used.

    Formula:
        x (N, C, S, S) → a(1×1 conv) → [block]ⁿ → stddev channel → a(3×3 conv) → a(linear to w) → linear → logit (N,)
        block(h) = (1×1 conv(↓h) + a(3×3 conv, stride 2 (blur(a(3×3 conv(h))))))/√2;  a(v) = √2·LeakyReLU₀.₂(v)
        ↓, blur: the filter [1, 3, 3, 1] ⊗ [1, 3, 3, 1]/64, ↓ with stride 2;  S = b·2ⁿ, b ∈ {4, 5, 6, 7}, n ≥ 1
        widths: ndf, 2·ndf, 4·ndf, …, none above 512 (above ndf, if that is more); w is the last of them

    Images are square and halved while the side is even and at least 8. All weights start from N(0, 1) and are divided
    by √fan_in when they are used (equalized learning rate); biases start at 0, and the shortcuts have none. Features
    are the activations after the first convolution and after each block. Labels are ignored.

    ``minibatch`` stddev appends a channel that says how alike the samples of a group are, in evaluation too: samples
    are in groups of M = min(4, N), i in group i mod N/M; per channel and pixel √(variance in the group + 1e-8) is
    taken, and the mean of these fills the channel. More than 4 samples must be a multiple of 4. With ``none`` samples
    are judged independently, which per-sample gradient penalties assume.

    At 3 channels, 29,012,513 parameters at 1024 px with ndf 32, and 24,001,089 at 256 px with ndf 64, as the authors'
    code prints for its configurations F and ``paper256``. Their network for CIFAR-10 is ndf 512 at 32 px.

    Where implementations differ: the authors' code clamps activations in half precision; here it does not. For CIFAR-10
    it compares groups of 32 and has no shortcuts (``orig``); conditional, it adds a projection onto an embedding of the
    label. LlamaGen's copy has plain learning rates, no stddev, a first convolution of 3×3 and the blur [1, 2, 1].

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, or a batch does not fit ``minibatch``
            stddev.

    Source: Karras et al. 2020, arXiv:1912.04958, section 4.1 and figure 7, and the authors' code; equalized learning
    rate and stddev: Karras et al. 2018, arXiv:1710.10196.
    """

    ndf: int | None = Field(
        default=None, ge=1, le=4_096, description="width of the first convolution; by default 32 below 64 px, else 64"
    )
    minibatch: Literal["none", "stddev"] = Field(
        default="stddev",
        description="stddev shows the logit how alike samples of a batch are (batches of 1, 2, 3 or multiples of 4)",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ndf": self._first_width(spec)})

    def tags(self) -> frozenset[str]:
        """``image``, ``provides_features``, and the tags of the minibatch layer."""
        return MINIBATCH_TAGS[self.minibatch] | {"image", "provides_features"}

    def build(self, spec: DataSpec) -> Stylegan2Network:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator stylegan2")
        count, side = halvings(height, width, discriminator="stylegan2")
        first = self._first_width(spec)
        widths = [min(first * 2**number, max(first, WIDEST)) for number in range(count + 1)]
        return Stylegan2Network(channels, widths, side=side, stddev=self.minibatch == "stddev")

    def _first_width(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, of="discriminator stylegan2")
        return self.ndf or width_by_size(height, width)


class Stylegan2Network(Discriminator):
    """The module behind :class:`Stylegan2`. One logit sees the whole image."""

    def __init__(self, channels: int, widths: list[int], *, side: int, stddev: bool) -> None:
        super().__init__()
        last = widths[-1]
        self.from_image = ScaledConvolution(channels, widths[0], kernel=1)
        self.blocks = nn.ModuleList(HalvingBlock(before, after) for before, after in pairwise(widths))
        self.stddev = MinibatchStddev() if stddev else nn.Identity()
        self.last = ScaledConvolution(last + stddev, last, kernel=3)
        self.hidden = ScaledLinear(last * side**2, last)
        self.to_logit = ScaledLinear(last, 1)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,), and the activations after the first convolution and each block."""
        features = [activated(self.from_image(images))]
        for block in self.blocks:
            features.append(block(features[-1]))
        maps = activated(self.last(self.stddev(features[-1])))
        logits = self.to_logit(activated(self.hidden(maps.flatten(1))))
        return DiscriminatorOutput(logits=logits.squeeze(1), features=tuple(features))


class HalvingBlock(nn.Module):
    """Two convolutions, of which the second halves, and a shortcut; see the formula of :class:`Stylegan2`."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.into = ScaledConvolution(before, before, kernel=3)
        self.out = nn.Sequential(Smoothing(padding=2), ScaledConvolution(before, after, kernel=3, stride=2, padding=0))
        self.shortcut = nn.Sequential(Smoothing(stride=2), ScaledConvolution(before, after, kernel=1, bias=False))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) → (N, after, H/2, W/2)."""
        residual = activated(self.out(activated(self.into(maps))))
        summed: Tensor = (self.shortcut(maps) + residual) / sqrt(2)
        return summed
