"""Progressive GAN's generator, which grows while it is trained."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, ClassVar

import torch
from ganzoo_blocks.clipped import clipped
from ganzoo_blocks.equalized import SLOPE, ScaledConvolution
from ganzoo_blocks.growth import Growth, demand_lod, widths_of
from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from ganzoo.component import Options
from ganzoo.protocols import Generator
from ganzoo_generators.doubling import doublings

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

EPSILON = 1e-8


class Progressive(Options):
    """Convolutions with equalized learning rates and pixel norm, which grow from small images to whole ones.

    Formula:
        z (N, latent) ~ N(0, I) → norm → b×b convolution → (N, w₀, b, b) → 3×3 convolution → [↑ → two 3×3 convolutions]ⁿ
        → 1×1 convolution → clipped to [−1, 1],  (N, C, S, S),  S = b·2ⁿ,  b ∈ {4, 5, 6, 7}, n ≥ 1
        after each convolution but the last: lrelu₀.₂, then norm(a) = a/√(mean over channels of a² + 1e-8)
        widths: ``width`` up to 32 px, then ``width``·32/side, rounded down;  ↑ the nearest-neighbor doubling
        with ``lod`` l > 0: the last ⌊l⌋ doublings are left out; α·(1×1 convolution of the last map that is there)
        + (1 − α)·↑(that of the map before),  α = 1 − (l − ⌊l⌋), and the image is enlarged ⌊l⌋ times by ↑

    Weights start from N(0, 1) and are scaled when they are used, by √(2/fan_in), in the last layer by 1/√fan_in;
    biases start at 0. ``lod`` is meant to follow a schedule, the same one as in the discriminator ``progressive``:
    beginning at n, it falls by 1 for each doubling that fades in, and stays while what is there settles. Images are
    always of the whole size, so data, critics and pictures need not know. Each checkpoint has its own ``lod``. At
    1024×1024×3 with width 512 and latent 512, and lod 8 at the beginning, there are 23.1 million parameters.

    Where implementations differ: nothing bounds the images in the paper; here values outside of [−1, 1] are clipped,
    and the gradient passes there only where it leads back. The paper adds no layer before its schedule comes to it;
    here all are there from the beginning, and those that are left out get no gradient.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, or ``lod`` is above n.

    Source: Karras et al. 2018, arXiv:1710.10196, sections 2 and 4, appendix A.
    """

    schedulable: ClassVar[frozenset[str]] = frozenset({"lod"})

    latent: int = Field(default=128, ge=1, le=65_536, description="size of z; 512 in the paper")
    width: int = Field(default=64, ge=1, le=8_192, description="channels of the maps up to 32 px; 512 in the paper")
    lod: float = Field(default=0.0, ge=0, description="doublings that are left out; may follow a schedule down to 0")

    def tags(self) -> frozenset[str]:
        """It is made for images."""
        return frozenset({"image"})

    def build(self, spec: DataSpec) -> ProgressiveGenerator:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="generator progressive")
        count, side = doublings(height, width, generator="progressive")
        demand_lod(self.lod, count, side=side, of="generator progressive")
        return ProgressiveGenerator(
            channels, widths_of(self.width, side, count), side=side, latent=self.latent, lod=self.lod
        )


class ProgressiveGenerator(Generator):
    """The module behind :class:`Progressive`. Labels are ignored."""

    def __init__(self, channels: int, widths: list[int], *, side: int, latent: int, lod: float) -> None:
        super().__init__()
        self.latent_size = latent
        self.growth = Growth(lod, doublings=len(widths) - 1)
        # Every place of the first map sees the latent once, through a weight of its own.
        self.from_latent = _convolution(latent, widths[0], kernel=side, padding=side - 1)
        self.first = _convolution(widths[0], widths[0])
        self.blocks = nn.ModuleList(
            nn.Sequential(_convolution(before, after), _convolution(after, after)) for before, after in pairwise(widths)
        )
        self.to_images = nn.ModuleDict(
            {str(level): ScaledConvolution(widths[level], channels, kernel=1) for level in self.growth.levels()}
        )

    def set_scheduled(self, option: str, value: float) -> None:
        """Take a value of ``lod``."""
        self.growth.set(value)

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw z, (n, latent), from N(0, I) on the CPU."""
        return torch.randn(n, self.latent_size, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, S, S) in [−1, 1]; only as sharp as ``lod`` allows."""
        growth = self.growth
        maps = self.first(self.from_latent(pixel_norm(z)[:, :, None, None]))
        before = maps
        for level in range(growth.top):
            before, maps = maps, self.blocks[level](doubled(maps))
        images = self.to_images[str(growth.top)](maps)
        if growth.fading:
            small = doubled(self.to_images[str(growth.top - 1)](before))
            images = small + growth.alpha(small) * (images - small)
        return clipped(doubled(images, times=growth.left_out))


class _Normed(nn.Module):
    """LeakyReLU and pixel norm."""

    def forward(self, maps: Tensor) -> Tensor:
        """The same shape."""
        return pixel_norm(F.leaky_relu(maps, SLOPE))


def _convolution(before: int, after: int, *, kernel: int = 3, padding: int = 1) -> nn.Sequential:
    return nn.Sequential(ScaledConvolution(before, after, kernel=kernel, padding=padding, gain=sqrt(2)), _Normed())


def pixel_norm(values: Tensor) -> Tensor:
    """Each pixel's channels, or each latent, at a mean square of 1."""
    return values * torch.rsqrt(values.square().mean(1, keepdim=True) + EPSILON)


def doubled(maps: Tensor, *, times: int = 1) -> Tensor:
    """Each pixel as a square of 2^times pixels a side."""
    return maps if not times else F.interpolate(maps, scale_factor=2**times, mode="nearest")
