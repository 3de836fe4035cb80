"""Progressive GAN's critic, which grows while it is trained."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, ClassVar

from ganzoo_blocks.equalized import SLOPE, ScaledConvolution, ScaledLinear
from ganzoo_blocks.growth import Growth, demand_lod, widths_of
from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from ganzoo.component import Options
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.halving import halvings
from ganzoo_discriminators.minibatch import MINIBATCH_TAGS, MinibatchStddev

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class Progressive(Options):
    """Convolutions with equalized learning rates down to one logit, which grow from small images to whole ones.

    Formula:
        x (N, C, S, S) → 1×1 convolution → [two 3×3 convolutions → ↓]ⁿ → minibatch stddev → 3×3 convolution
        → b×b convolution → linear → logit (N,),  S = b·2ⁿ,  b ∈ {4, 5, 6, 7}, n ≥ 1
        lrelu₀.₂ after each convolution;  ↓ the mean of 2×2 pixels
        widths: ``width`` up to 32 px, then ``width``·32/side, rounded down
        with ``lod`` l > 0: x is reduced ⌊l⌋ times by ↓, and the first ⌊l⌋ blocks are left out;
        α·(the first block that is there) + (1 − α)·(1×1 convolution of ↓x),  α = 1 − (l − ⌊l⌋)

    The mirror of the generator ``progressive``, with the same ``lod``, which is meant to follow the same schedule.
    Weights start from N(0, 1) and are scaled when they are used, by √(2/fan_in), in the last layer by 1/√fan_in; biases
    start at 0. The stddev layer compares samples in groups of four, so that a batch of more than four must be a
    multiple of it. The single feature is the map before that layer. At 1024×1024×3 with width 512, and lod 8 at the
    beginning, there are 23.1 million parameters.

    Where implementations differ: the paper's stddev compares the whole batch, its later code groups of four. While a
    block fades in, the authors blend real images with their reduced copies, too; here the critic is given them as they
    are. Gradients are taken at images of the whole size: a slope that is 1 there is 2^⌊l⌋ at the reduced image.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, ``lod`` is above n, or a batch does
            not divide into groups of four.

    Source: Karras et al. 2018, arXiv:1710.10196, sections 2 to 4, appendix A.
    """

    schedulable: ClassVar[frozenset[str]] = frozenset({"lod"})

    width: int = Field(default=64, ge=1, le=8_192, description="channels of the maps up to 32 px; 512 in the paper")
    lod: float = Field(default=0.0, ge=0, description="doublings that are left out; may follow a schedule down to 0")

    def tags(self) -> frozenset[str]:
        """The stddev layer couples the samples of a batch."""
        return MINIBATCH_TAGS["stddev"] | {"image", "provides_features"}

    def build(self, spec: DataSpec) -> ProgressiveDiscriminator:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator progressive")
        count, side = halvings(height, width, discriminator="progressive")
        demand_lod(self.lod, count, side=side, of="discriminator progressive")
        return ProgressiveDiscriminator(channels, widths_of(self.width, side, count), side=side, lod=self.lod)


class ProgressiveDiscriminator(Discriminator):
    """The module behind :class:`Progressive`. Labels are ignored."""

    def __init__(self, channels: int, widths: list[int], *, side: int, lod: float) -> None:
        super().__init__()
        self.growth = Growth(lod, doublings=len(widths) - 1)
        self.from_images = nn.ModuleDict(
            {str(level): _convolution(channels, widths[level], kernel=1) for level in self.growth.levels()}
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(_convolution(after, after), _convolution(after, before), nn.AvgPool2d(2))
            for before, after in pairwise(widths)
        )
        self.spread = MinibatchStddev()
        self.last = nn.Sequential(
            _convolution(widths[0] + 1, widths[0]), _convolution(widths[0], widths[0], kernel=side, padding=0)
        )
        self.to_logit = ScaledLinear(widths[0], 1)

    def set_scheduled(self, option: str, value: float) -> None:
        """Take a value of ``lod``."""
        self.growth.set(value)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) and the last map."""
        growth = self.growth
        if growth.left_out:
            images = F.avg_pool2d(images, 2**growth.left_out)
        maps = self.from_images[str(growth.top)](images)
        for level in reversed(range(growth.top)):
            maps = self.blocks[level](maps)
            if growth.fading and level == growth.top - 1:
                small = self.from_images[str(level)](F.avg_pool2d(images, 2))
                maps = small + growth.alpha(small) * (maps - small)
        logits = self.to_logit(self.last(self.spread(maps)).flatten(1)).squeeze(1)
        return DiscriminatorOutput(logits=logits, features=(maps,))


def _convolution(before: int, after: int, *, kernel: int = 3, padding: int | None = None) -> nn.Sequential:
    layer = ScaledConvolution(before, after, kernel=kernel, padding=padding, gain=sqrt(2))
    return nn.Sequential(layer, nn.LeakyReLU(SLOPE))
