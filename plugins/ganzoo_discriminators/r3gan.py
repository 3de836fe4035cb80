"""R3GAN's critic."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ganzoo_blocks.fixup_residual import blocks_of, plain_layer, stage_widths
from ganzoo_blocks.image_shape import image_shape
from ganzoo_blocks.smoothing import Smoothing
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.halving import halvings

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class R3gan(Options):
    """Residual blocks with grouped convolutions and no normalization; with classes, a projection onto their embedding.

    Formula:
        x (N, C, S, S) → 1×1 convolution → [two residual blocks → ↓ → 1×1 convolution where the width changes]ⁿ
        → two residual blocks → depthwise b×b convolution → h (N, w) → w·h, or with ``conditional`` ⟨e_y, V·h⟩, (N,)
        S = b·2ⁿ,  b ∈ {4, 5, 6, 7}, n ≥ 1
        residual block(x) = x + conv₁ₓ₁(lrelu(conv₃ₓ₃(lrelu(conv₁ₓ₁(x))))), the inner width 2w, in groups of 16 channels
        widths: w = ``width`` up to 32 px, then half of it for each doubling;  ↓ bilinear

    The mirror of the generator ``r3gan``, with the same blocks and initialization. Samples are judged independently, as
    R1, R2 and the relativistic loss of pairs need it. ``width`` is a multiple of 8; the paper has 768, and then at
    32×32×3 there are 20,683,776 parameters, 21,280,512 with 10 classes, at 64 px 22,381,440 and at 256 px 23,009,568.
    With ``conditional``, V·h and e_y have ``width`` numbers, and e_y starts from N(0, 1/width). Features are the maps
    after the blocks of each stage.

    Where implementations differ: the filter of the bilinear interpolation is [1, 3, 3, 1] with zeros outside the map;
    the authors' code filters with [1, 2, 1], which moves the image by half a pixel.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, or ``conditional`` is on and there are
            no classes or no labels.

    Source: Huang et al. 2024, arXiv:2501.05441, section 3 and appendix D, table 9; projection: Miyato & Koyama 2018,
    arXiv:1802.05637.
    """

    width: int = Field(
        default=64, ge=8, le=8_192, multiple_of=8, description="channels of the stages up to 32 px; 768 in the paper"
    )
    blocks: int = Field(default=2, ge=1, le=64, description="residual blocks in each stage")
    conditional: bool = Field(default=False, description="judge by the class as well, as the paper does on CIFAR-10")

    def tags(self) -> frozenset[str]:
        """It needs labels if it is conditional."""
        tags = frozenset({"image", "provides_features"})
        return tags | {"accepts_labels", "needs_labels"} if self.conditional else tags

    def build(self, spec: DataSpec) -> R3ganDiscriminator:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator r3gan")
        count, side = halvings(height, width, discriminator="r3gan")
        if self.conditional and not spec.classes:
            raise ConfigError(
                "discriminator r3gan is asked to be conditional, but the data have no classes",
                allowed="data with classes",
                hint="--set discriminator.conditional=false, or --data FOLDER with one sub-folder per class",
            )
        return R3ganDiscriminator(
            channels,
            stage_widths(self.width, side, count)[::-1],
            side=side,
            blocks=self.blocks,
            classes=len(spec.classes) if self.conditional else 0,
        )


class R3ganDiscriminator(Discriminator):
    """The module behind :class:`R3gan`; ``classes`` 0 means that labels are ignored."""

    def __init__(self, channels: int, widths: list[int], *, side: int, blocks: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        among, last = blocks * len(widths), widths[-1]
        self.from_image = plain_layer(nn.Conv2d(channels, widths[0], 1, bias=False))
        self.stages = nn.ModuleList(blocks_of(width, blocks, among=among) for width in widths)
        self.transitions = nn.ModuleList(Halving(before, after) for before, after in pairwise(widths))
        self.pooled = plain_layer(nn.Conv2d(last, last, side, groups=last, bias=False))
        self.to_logit = plain_layer(nn.Linear(last, last if classes else 1, bias=False))
        if classes:
            self.embedding = nn.Embedding(classes, last)
            nn.init.normal_(self.embedding.weight, 0.0, last**-0.5)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) and the maps of each stage.

        Raises:
            ConfigError: if the critic is conditional and ``labels`` is missing.
        """
        maps = self.stages[0](self.from_image(images))
        features = [maps]
        for transition, stage in zip(self.transitions, self.stages[1:], strict=True):
            maps = stage(transition(maps))
            features.append(maps)
        answer = self.to_logit(self.pooled(maps).flatten(1))
        if not self.classes:
            return DiscriminatorOutput(logits=answer.squeeze(1), features=tuple(features))
        if labels is None:
            raise ConfigError(
                "discriminator r3gan was built conditional, but got no labels",
                allowed=f"labels (N,) in [0, {self.classes})",
                hint="pass labels, or build it with conditional=False",
            )
        logits = (answer * self.embedding(labels)).sum(1)
        return DiscriminatorOutput(logits=logits, features=tuple(features))


class Halving(nn.Module):
    """The bilinear interpolation, then a 1×1 convolution where the width changes: in this order it costs a quarter."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.halved = Smoothing(stride=2)
        convolution = None if before == after else plain_layer(nn.Conv2d(before, after, 1, bias=False))
        self.convolution = nn.Identity() if convolution is None else convolution

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) → (N, after, H/2, W/2)."""
        halved: Tensor = self.convolution(self.halved(maps))
        return halved
