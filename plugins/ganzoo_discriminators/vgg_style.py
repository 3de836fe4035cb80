"""The critic of ESRGAN: a VGG-like stack down to one logit."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.halving import halvings
from ganzoo_discriminators.norm import NORM_TAGS

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

LARGEST_FACTOR = 8
"""Widths double from octave to octave up to this multiple of the first."""
HIDDEN = 100
SLOPE = 0.2


class VggStyle(Options):
    """Pairs of convolutions, of which the second halves the map, then two linear layers to one logit.

    Formula:
        x (N, C, S, S) → [3×3 conv → norm → a → 4×4 conv, stride 2 → norm → a]ⁿ → (N, w, b, b),  S = b·2ⁿ
        → linear to 100 → a → linear → logit (N,);  a = LeakyReLU 0.2
        widths: ndf, 2·ndf, 4·ndf, then 8·ndf, of both convolutions;  b ∈ {4, 5, 6, 7}, n ≥ 1

    Images are square and halved while the side is even and at least 8; at 128 px that is ten convolutions down to 4×4.
    The first convolution has no norm. Convolutions have a bias where no BatchNorm follows. Weights start as torch's
    layers do. Features are the activations after each convolution. Labels are ignored. At 3 channels, ndf 64 and
    BatchNorm: 14,499,401 parameters at 128 px, 21,055,049 at 256 px. With BatchNorm a sample's logit depends on its
    batch, which per-sample gradient penalties do not account for.

    Where implementations differ: BasicSR's network is for 128 or 256 px alone; here the same rule gives a network for
    every size that halves down to 4 to 7 px. Its BatchNorm is the only norm there; ``norm: none`` is ours. SRGAN's
    critic, its model, halves with 3×3 convolutions and has 1,024 hidden units.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above.

    Source: Wang et al. 2018, arXiv:1809.00219, and the authors' code (BasicSR, ``VGGStyleDiscriminator``).
    """

    ndf: int = Field(default=64, ge=1, le=4_096, description="width of the first two convolutions")
    norm: Literal["batch", "none"] = Field(default="batch", description="norm after every convolution except the first")

    def tags(self) -> frozenset[str]:
        """``image``, ``provides_features``, and the tags of the norm."""
        return NORM_TAGS[self.norm] | {"image", "provides_features"}

    def build(self, spec: DataSpec) -> VggStyleNetwork:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator vgg-style")
        count, side = halvings(height, width, discriminator="vgg-style")
        widths = [self.ndf * min(2**number, LARGEST_FACTOR) for number in range(count)]
        return VggStyleNetwork(channels, widths, side=side, norm=self.norm == "batch")


class VggStyleNetwork(Discriminator):
    """The module behind :class:`VggStyle`, of the ``widths`` of its octaves. One logit sees the whole image."""

    def __init__(self, channels: int, widths: list[int], *, side: int, norm: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number, (before, after) in enumerate(pairwise([channels, *widths])):
            self.layers.append(_layer(before, after, kernel=3, stride=1, norm=norm and number > 0))
            self.layers.append(_layer(after, after, kernel=4, stride=2, norm=norm))
        self.to_logit = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[-1] * side**2, HIDDEN),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) and the activations after each convolution."""
        features = []
        for layer in self.layers:
            images = layer(images)
            features.append(images)
        return DiscriminatorOutput(logits=self.to_logit(images).squeeze(1), features=tuple(features))


def _layer(before: int, after: int, *, kernel: int, stride: int, norm: bool) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(before, after, kernel, stride, padding=1, bias=not norm)]
    if norm:
        layers.append(nn.BatchNorm2d(after))
    return nn.Sequential(*layers, nn.LeakyReLU(SLOPE, inplace=True))
