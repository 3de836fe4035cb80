"""The PatchGAN discriminator with spectral norm."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Self

from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.convolution import convolution
from ganzoo_discriminators.image_shape import image_shape, width_by_size
from ganzoo_discriminators.patch_geometry import PADDING, largest_n_layers, map_side, receptive_field, strides

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

USUAL_DEPTH = 3
LARGEST_FACTOR = 8
"""Widths double from convolution to convolution up to this multiple of the first."""


class PatchganSn(Options):
    """A map of logits, each the verdict on one patch of the image; spectral norm on every convolution.

    Formula:
        x (N, C, H, W) → [4×4 conv, stride 2 → LeakyReLU 0.2]ⁿ → 4×4 conv, stride 1 → LeakyReLU 0.2
        → 4×4 conv, stride 1 → logits (N, 1, h, w),  n = n_layers, padding 1, W/s(W) for each weight W
        widths: ndf, 2·ndf, 4·ndf, then 8·ndf, and 1 for the logits

    One logit sees 16, 34, 70, 142, 286 pixels a side for n_layers 1, 2, 3, 4, 5. At 128×128, n_layers 3 gives 14×14
    logits, 4 gives 6×6, 5 gives 2×2. H and W may differ. s(W) is the spectral norm of the weight reshaped to
    (out, rest); the convolution's operator norm can be larger. Every convolution has a bias, none a BatchNorm, so
    samples are judged one by one. ``dropout`` drops whole channels after each activation. Weights start from
    N(0, 0.02²). Features are the activations after each block. At 3 channels, ndf 64, n_layers 3: 2,764,737 parameters.

    Where implementations differ: the original has BatchNorm from the second convolution on, and no spectral norm.
    torch iterates a spectral norm at every training-mode forward, ganzoo once an update (``train.spectral_norm``).

    Raises:
        ConfigError: if the data are not images, or too small for ``n_layers``; the largest that fits is named.

    Source: Isola et al. 2017, arXiv:1611.07004, section 3.2.2 and appendix 6.1.2; spectral norm: Miyato et al. 2018,
    arXiv:1802.05957.
    """

    ndf: int | None = Field(
        default=None, ge=1, description="width of the first convolution; by default 32 below 64 px, else 64"
    )
    n_layers: int | None = Field(
        default=None, ge=1, description="convolutions of stride 2; by default 3, or as many as the image has room for"
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="probability of dropping a channel in training")

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with width and depth that go with the size of the images (its shorter side)."""
        _, height, width = image_shape(spec, discriminator="patchgan-sn")
        ndf, n_layers = self._width_and_depth(height, width)
        return self.model_copy(update={"ndf": ndf, "n_layers": n_layers})

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"image", "patch", "spectral_norm"})

    def build(self, spec: DataSpec) -> PatchganSnNetwork:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, discriminator="patchgan-sn")
        ndf, n_layers = self._width_and_depth(height, width)
        check_fit(min(height, width), n_layers)
        return PatchganSnNetwork(channels, ndf=ndf, n_layers=n_layers, dropout=self.dropout)

    def _width_and_depth(self, height: int, width: int) -> tuple[int, int]:
        shorter = min(height, width)
        depth = min(USUAL_DEPTH, max(largest_n_layers(shorter), 1))
        return self.ndf or width_by_size(height, width), self.n_layers or depth


def check_fit(side: int, n_layers: int) -> None:
    """Refuse a stack that leaves less than one logit."""
    if map_side(side, n_layers) >= 1:
        return
    most = largest_n_layers(side)
    raise ConfigError(
        f"discriminator patchgan-sn leaves no logit of images {side} px high or wide",
        given=f"n_layers {n_layers}",
        allowed=f"n_layers up to {most}" if most else "images of at least 6 px a side",
        hint=f"--set discriminator.n_layers={most}" if most else "--image-size 32",
    )


class PatchganSnNetwork(Discriminator):
    """The module behind :class:`PatchganSn`. Labels are not looked at."""

    def __init__(self, channels: int, *, ndf: int, n_layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.n_layers = n_layers
        widths = [channels, *(ndf * min(2**i, LARGEST_FACTOR) for i in range(n_layers + 1))]
        hidden = zip(pairwise(widths), strides(n_layers), strict=False)
        self.blocks = nn.ModuleList(
            _block(before, after, stride=stride, dropout=dropout) for (before, after), stride in hidden
        )
        self.to_logits = convolution(widths[-1], 1, stride=1, padding=PADDING, bias=True, spectral=True)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, h, w) and the activations of each block."""
        features = []
        activations = images
        for block in self.blocks:
            activations = block(activations)
            features.append(activations)
        return DiscriminatorOutput(logits=self.to_logits(activations), features=tuple(features))

    def receptive_field(self) -> int:
        """Side, in pixels, of the patch one logit sees. It may exceed the image."""
        return receptive_field(self.n_layers)


def _block(before: int, after: int, *, stride: int, dropout: float) -> nn.Sequential:
    layers = [
        convolution(before, after, stride=stride, padding=PADDING, bias=True, spectral=True),
        nn.LeakyReLU(0.2, inplace=True),
    ]
    if dropout:
        layers.append(nn.Dropout2d(dropout))
    return nn.Sequential(*layers)
