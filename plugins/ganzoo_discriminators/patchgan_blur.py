"""The patch critic of image tokenizers that blurs before it halves."""

from __future__ import annotations

from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Literal, Self

from ganzoo_blocks.image_shape import image_shape
from ganzoo_blocks.smoothing import Smoothing
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

Halving = Literal["blur", "average"]
GROUPS = 32
"""Of channels in GroupNorm, where each of them then has two channels."""
SLOPE = 0.1
USUAL_DEPTH = 3
FIRST_KERNEL, KERNEL, LAST_KERNEL = 5, 3, 5
WINDOW: dict[Halving, int] = {"blur": 4, "average": 2}
"""Side of what halving takes together."""


class PatchganBlur(Options):
    """A map of logits, each judging one patch; it blurs before it halves, and has GroupNorm in place of BatchNorm.

    Formula:
        x (N, C, H, W) → 5×5 conv → a → [3×3 conv → halving → GroupNorm 32 → a]ⁿ → 1×1 conv → a → 5×5 conv
        → logits (N, 1, h, w);  h = H/2ⁿ,  a = LeakyReLU 0.1,  n = n_layers
        widths: ndf, then ndf, 2·ndf, 4·ndf, … of the stages, and 1 for the logits

    ``halving`` blur is the filter [1, 3, 3, 1] ⊗ [1, 3, 3, 1]/64 with stride 2, average the mean of 2×2 pixels. One
    logit sees 18, 36, 72, 144, 288 pixels per side for n_layers 1, 2, 3, 4, 5 with blur, and 16, 30, 58, 114, 226 with
    average; GroupNorm's statistics come from the whole map. H and W are multiples of 2ⁿ, at least 2·2ⁿ, and may differ.
    A sample's logits do not depend on its batch, in training neither: real and fake samples may be judged together or
    apart, and several processes need not exchange statistics. GroupNorm has 32 groups where the width is a multiple of
    64, else the greatest common divisor of 32 and half the width. Weights start as torch's convolutions do; all have a
    bias. Features are the activations after the first convolution and after each stage. Labels are ignored. At 3
    channels, ndf 128, n_layers 3: 1,909,889 parameters.

    Where implementations differ: TiTok's max-pools its maps to 16×16 before the 1×1 convolution, which this one does
    not do; at 128 px with n_layers 3 both are the same. Open-MAGVIT2's class begins with ndf 64 and averages, but the
    loss that builds it says 128, 4 stages and blur; it can have SiLU in place of the LeakyReLU. Both can blur with [1,
    2, 1] or [1, 4, 6, 4, 1]. Where a side is odd, theirs pads so that it is rounded up; here such sides are refused.

    Raises:
        ConfigError: if the data are not images whose sides are multiples of 2ⁿ, at least 2·2ⁿ.

    Source: the critic of MaskBit, Weber et al. 2024, arXiv:2409.16211; of TiTok, Yu et al. 2024, arXiv:2406.07550; of
    Open-MAGVIT2, Luo et al. 2024, arXiv:2409.04410; their code.
    """

    ndf: int = Field(default=128, ge=1, le=4_096, description="width of the first convolution and of the first stage")
    n_layers: int | None = Field(
        default=None,
        ge=1,
        le=8,
        description="number of stages, each of which halves; by default 3, or as many as the image has room for",
    )
    halving: Halving = Field(default="blur", description="blur with [1, 3, 3, 1] before halving, or average 2×2 pixels")

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default depth for the size of the image."""
        return self.model_copy(update={"n_layers": self.n_layers or min(USUAL_DEPTH, max(1, _room(spec)))})

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"image", "patch", "provides_features"})

    def build(self, spec: DataSpec) -> PatchganBlurNetwork:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator patchgan-blur")
        n_layers, most = self.resolve(spec).n_layers, _room(spec)
        assert n_layers is not None
        if n_layers > most:
            raise ConfigError(
                "discriminator patchgan-blur halves images until at least 2 px per side remain; these do not fit",
                given=f"images of {height}×{width}, n_layers {n_layers}",
                allowed=f"n_layers up to {most}" if most else "sides that are even, and at least 4",
                hint=f"--set discriminator.n_layers={most}" if most else "--image-size 32",
            )
        return PatchganBlurNetwork(channels, ndf=self.ndf, n_layers=n_layers, halving=self.halving)


def _room(spec: DataSpec) -> int:
    """How often both sides can be halved so that 2 px remain."""
    _, height, width = image_shape(spec, of="discriminator patchgan-blur")
    count = 0
    while height % 2 == width % 2 == 0 and min(height, width) >= 4:
        height, width, count = height // 2, width // 2, count + 1
    return count


class PatchganBlurNetwork(Discriminator):
    """The module behind :class:`PatchganBlur`."""

    def __init__(self, channels: int, *, ndf: int, n_layers: int, halving: Halving) -> None:
        super().__init__()
        widths = [ndf, *(ndf * 2**number for number in range(n_layers))]
        self.n_layers = n_layers
        self.window = WINDOW[halving]
        self.from_image = nn.Sequential(_same(channels, ndf, FIRST_KERNEL), nn.LeakyReLU(SLOPE, inplace=True))
        self.stages = nn.ModuleList(
            nn.Sequential(
                _same(before, after, KERNEL),
                Smoothing(stride=2) if halving == "blur" else nn.AvgPool2d(2),
                nn.GroupNorm(gcd(GROUPS, max(1, after // 2)), after),
                nn.LeakyReLU(SLOPE, inplace=True),
            )
            for before, after in pairwise(widths)
        )
        self.to_logits = nn.Sequential(
            _same(widths[-1], widths[-1], 1), nn.LeakyReLU(SLOPE, inplace=True), _same(widths[-1], 1, LAST_KERNEL)
        )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """A map of logits (N, 1, H/2ⁿ, W/2ⁿ), and the activations before it."""
        features = [self.from_image(images)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return DiscriminatorOutput(logits=self.to_logits(features[-1]), features=tuple(features))

    def receptive_field(self) -> int:
        """Side of the patch one logit sees: 18, 36, 72, 144, … for n_layers 1, 2, 3, 4, … with blur."""
        field = LAST_KERNEL
        for _ in range(self.n_layers):
            field = (field - 1) * 2 + self.window + KERNEL - 1
        return field + FIRST_KERNEL - 1


def _same(before: int, after: int, kernel: int) -> nn.Module:
    return nn.Conv2d(before, after, kernel, padding=kernel // 2)
