"""R3GAN's generator."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from ganzoo_blocks.clipped import clipped
from ganzoo_blocks.fixup_residual import blocks_of, plain_layer, stage_widths
from ganzoo_blocks.image_shape import image_shape
from ganzoo_blocks.smoothing import SmoothDoubling
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.protocols import Generator
from ganzoo_generators.doubling import doublings
from ganzoo_generators.labels import class_count, given_labels

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class R3gan(Options):
    """Residual blocks with grouped convolutions from a learned map, without normalization, styles or noise.

    Formula:
        z (N, latent) ~ N(0, I), with classes [z, E·c] → maps A·(W·z), A a learned (w, b, b) map, W linear
        → [two residual blocks → 1×1 convolution where the width changes → ↑]ⁿ → two residual blocks → 1×1 convolution
        → clipped to [−1, 1],  (N, C, S, S),  S = b·2ⁿ,  b ∈ {4, 5, 6, 7}, n ≥ 1
        residual block(x) = x + conv₁ₓ₁(lrelu(conv₃ₓ₃(lrelu(conv₁ₓ₁(x))))), the inner width 2w, in groups of 16 channels
        widths: w = ``width`` up to 32 px, then half of it for each doubling;  ↑ bilinear

    Nothing is normalized. Blocks start as the identity, since their last convolution starts at 0; the other two are
    scaled by L^(−¼), L the number of blocks, so that the variance does not explode (Fixup). ``width`` is a multiple
    of 8; the paper has 768, and then at 32×32×3 there are 20,732,160 parameters, 20,781,952 with 10 classes, at 64 px
    22,429,824 and at 256 px 23,057,952. A is drawn from N(0, 1). When the plan makes the networks conditional, the
    class is embedded in as many numbers as z has and appended to z.

    Where implementations differ: the paper has no bound at the end; here values outside of [−1, 1] are clipped, which
    others do when they save pictures, and the gradient passes there only where it leads back. The filter of the
    bilinear interpolation is [1, 3, 3, 1] with zeros outside the map; the authors' code filters with [1, 2, 1], which
    moves the image by half a pixel.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, or a conditional generator has no
            classes.

    Source: Huang et al. 2024, arXiv:2501.05441, section 3 and appendix D, table 9.
    """

    latent: int = Field(default=64, ge=1, le=65_536, description="size of z")
    width: int = Field(
        default=64, ge=8, le=8_192, multiple_of=8, description="channels of the stages up to 32 px; 768 in the paper"
    )
    blocks: int = Field(default=2, ge=1, le=64, description="residual blocks in each stage")

    def tags(self) -> frozenset[str]:
        """It is made for images, and conditional if the plan is."""
        return frozenset({"accepts_labels", "image"})

    def build(self, spec: DataSpec) -> R3ganGenerator:
        """The network for images of ``spec``, conditional if ``spec`` is."""
        channels, height, width = image_shape(spec, of="generator r3gan")
        count, side = doublings(height, width, generator="r3gan")
        return R3ganGenerator(
            channels,
            stage_widths(self.width, side, count),
            side=side,
            latent=self.latent,
            blocks=self.blocks,
            classes=class_count(spec, generator="r3gan"),
        )


class R3ganGenerator(Generator):
    """The module behind :class:`R3gan`; ``classes`` 0 means unconditional."""

    def __init__(self, channels: int, widths: list[int], *, side: int, latent: int, blocks: int, classes: int) -> None:
        super().__init__()
        self.latent_size = latent
        self.classes = classes
        among = blocks * len(widths)
        self.first_map = nn.Parameter(torch.randn(widths[0], side, side))
        self.from_latent = plain_layer(nn.Linear(2 * latent if classes else latent, widths[0], bias=False))
        if classes:
            self.embedding = nn.Embedding(classes, latent)
        self.stages = nn.ModuleList(blocks_of(width, blocks, among=among) for width in widths)
        self.transitions = nn.ModuleList(Doubling(before, after) for before, after in pairwise(widths))
        self.to_image = plain_layer(nn.Conv2d(widths[-1], channels, 1, bias=False))

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw z, (n, latent), from N(0, I) on the CPU."""
        return torch.randn(n, self.latent_size, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, S, S) in [−1, 1]. An unconditional generator ignores ``labels``.

        Raises:
            ConfigError: if the generator is conditional and ``labels`` is missing.
        """
        if self.classes:
            labels = given_labels(labels, classes=self.classes, generator="r3gan")
            z = torch.cat([z, self.embedding(labels)], dim=1)
        maps = self.stages[0](self.first_map * self.from_latent(z)[:, :, None, None])
        for transition, stage in zip(self.transitions, self.stages[1:], strict=True):
            maps = stage(transition(maps))
        return clipped(self.to_image(maps))


class Doubling(nn.Module):
    """A 1×1 convolution where the width changes, then the bilinear interpolation: in this order it costs a quarter."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        convolution = None if before == after else plain_layer(nn.Conv2d(before, after, 1, bias=False))
        self.convolution = nn.Identity() if convolution is None else convolution
        self.doubled = SmoothDoubling()

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) → (N, after, 2H, 2W)."""
        doubled: Tensor = self.doubled(self.convolution(maps))
        return doubled
