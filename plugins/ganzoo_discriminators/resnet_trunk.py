"""SNGAN's residual trunk, and the options of every discriminator built on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Self

from ganzoo_blocks.attention import SelfAttention
from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo_discriminators.residual_block import ResidualBlock
from ganzoo_discriminators.spectral_layers import glorot_convolution, orthogonal_convolution

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


@dataclass(frozen=True, kw_only=True)
class TrunkLayout:
    """The blocks of the trunk for images of at least some size.

    Attributes:
        side: the smallest shorter side, in pixels, that uses this layout.
        ndf: the default width of this layout.
        halving: width of each halving block, in multiples of ``ndf``.
        plain: the same for the blocks after them, which keep the size.
    """

    side: int
    ndf: int
    halving: tuple[int, ...]
    plain: tuple[int, ...]


LAYOUTS = (
    TrunkLayout(side=256, ndf=64, halving=(1, 2, 4, 8, 8, 16), plain=(16,)),
    TrunkLayout(side=128, ndf=64, halving=(1, 2, 4, 8, 16), plain=(16,)),
    TrunkLayout(side=64, ndf=64, halving=(1, 2, 4, 8, 16), plain=()),
    TrunkLayout(side=4, ndf=128, halving=(1, 1), plain=(1, 1)),
)
"""The authors' networks for 256, 128, 64 and 32 px; each also serves the sizes up to the next."""


class ResnetTrunkOptions(Options):
    """Options of every discriminator built on SNGAN's trunk."""

    component: ClassVar[str]
    layouts: ClassVar[tuple[TrunkLayout, ...]] = LAYOUTS
    wide: ClassVar[bool] = False
    """Whether blocks are those of BigGAN."""

    ndf: int | None = Field(
        default=None, ge=1, le=65_536, description="width of the first block; by default 128 below 64 px, else 64"
    )
    attention: int | None = Field(
        default=None,
        ge=2,
        description="side of the feature map that self-attention is applied to, such as 16; null for no attention",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ndf": self.ndf or self._layout(spec).ndf})

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"image", "provides_features", "spectral_norm"})

    def build_trunk(self, spec: DataSpec) -> ResnetTrunk:
        """The trunk for images of ``spec``. Raises ``ConfigError`` if they or the place of attention do not fit."""
        channels, height, width = image_shape(spec, of=f"discriminator {self.component}")
        layout = self._layout(spec)
        after = None if self.attention is None else self._place_of_attention(min(height, width), layout)
        return ResnetTrunk(channels, layout, ndf=self.ndf or layout.ndf, attention_after=after, wide=self.wide)

    def _layout(self, spec: DataSpec) -> TrunkLayout:
        _, height, width = image_shape(spec, of=f"discriminator {self.component}")
        shorter = min(height, width)
        for layout in self.layouts:
            if shorter >= layout.side:
                return layout
        raise ConfigError(
            f"discriminator {self.component} halves images twice, but these are too small for that",
            given=f"images of {height}×{width}",
            allowed=f"images of at least {self.layouts[-1].side} px per side",
            hint="--image-size 32",
        )

    def _place_of_attention(self, side: int, layout: TrunkLayout) -> int:
        sides = [side >> count for count in range(1, len(layout.halving) + 1)]
        if self.attention in sides:
            return sides.index(self.attention)
        allowed = [candidate for candidate in sides if candidate >= 2]
        raise ConfigError(
            f"discriminator {self.component} has no feature map of the side that attention asks for",
            given=f"attention {self.attention}, images of {side} px (the shorter side)",
            allowed=f"attention {', '.join(map(str, allowed))}, or null for none",
            hint=f"--set discriminator.attention={allowed[len(allowed) // 2]}",
        )


class ResnetTrunk(nn.Module):
    """Residual blocks, at first halving; ``attention_after`` is the number of the block that attention follows.

    ``wide`` blocks are BigGAN's: their first convolution is as wide as the second, and weights start orthogonal.
    """

    def __init__(
        self, channels: int, layout: TrunkLayout, *, ndf: int, attention_after: int | None, wide: bool = False
    ) -> None:
        super().__init__()
        widths = [ndf * factor for factor in layout.halving + layout.plain]
        self.width = widths[-1]
        self.blocks = nn.ModuleList()
        for index, (before, after) in enumerate(pairwise([channels, *widths])):
            block: nn.Module = ResidualBlock(
                before,
                after,
                halve=index < len(layout.halving),
                first=index == 0,
                hidden=after if wide or not index else before,
                body=orthogonal_convolution if wide else partial(glorot_convolution, gain=math.sqrt(2)),
                shortcut=orthogonal_convolution if wide else glorot_convolution,
            )
            if index == attention_after:
                block = nn.Sequential(block, SelfAttention(after, spectral=True))
            self.blocks.append(block)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (N, C, H, W) to the activations after each block, before their ReLU."""
        activations = []
        for block in self.blocks:
            images = block(images)
            activations.append(images)
        return tuple(activations)


def sum_pooled(maps: Tensor) -> Tensor:
    """(N, width, h, w) to (N, width): ReLU, then the *sum* over all positions."""
    return F.relu(maps).sum(dim=(2, 3))
