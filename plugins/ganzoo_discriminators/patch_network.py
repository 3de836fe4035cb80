"""The stack of convolutions in every PatchGAN, and its options."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from ganzoo_blocks.image_shape import image_shape, width_by_size
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.convolution import block, convolution
from ganzoo_discriminators.patch_geometry import PADDING, largest_n_layers, map_side, receptive_field, strides

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec
    from ganzoo_discriminators.norm import Norm

USUAL_DEPTH = 3
LARGEST_FACTOR = 8
"""Widths double from convolution to convolution up to this multiple of the first."""


class PatchOptions(Options):
    """Options of every discriminator made of such stacks."""

    ndf: int | None = Field(
        default=None, ge=1, description="width of the first convolution; by default 32 below 64 px, else 64"
    )
    n_layers: int | None = Field(
        default=None,
        ge=1,
        description="number of stride-2 convolutions; by default 3, or as many as the image has room for",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width and depth for the image size (its shorter side)."""
        _, height, width = image_shape(spec, of=f"discriminator {self.name()}")
        shorter = min(height, width)
        ndf, n_layers = self.ndf or width_by_size(height, width), self.n_layers or self.usual_n_layers(shorter)
        return self.model_copy(update={"ndf": ndf, "n_layers": n_layers})

    def tags(self) -> frozenset[str]:
        """What all stacks have in common."""
        return frozenset({"image", "patch", "provides_features"})

    def sizes(self, spec: DataSpec) -> dict[str, int]:
        """Channels, width and depth of a stack for images of ``spec``.

        Raises:
            ConfigError: if the data are not images, or the images have no room for it.
        """
        channels, height, width = image_shape(spec, of=f"discriminator {self.name()}")
        chosen = self.resolve(spec)
        assert chosen.ndf is not None
        assert chosen.n_layers is not None
        check_fit(min(height, width), chosen.n_layers, discriminator=self.name())
        return {"channels": channels, "ndf": chosen.ndf, "n_layers": chosen.n_layers}

    def usual_n_layers(self, side: int) -> int:
        """The default depth for images of ``side`` pixels."""
        return min(USUAL_DEPTH, max(largest_n_layers(side), 1))

    def name(self) -> str:
        """The discriminator's name, for errors: ``PatchganSn`` is patchgan-sn."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


def check_fit(side: int, n_layers: int, *, discriminator: str) -> None:
    """Refuse a stack that leaves less than one logit."""
    if map_side(side, n_layers) >= 1:
        return
    most = largest_n_layers(side)
    raise ConfigError(
        f"discriminator {discriminator} leaves no logit for images {side} px high or wide",
        given=f"n_layers {n_layers}",
        allowed=f"n_layers up to {most}" if most else "images of at least 6 px per side",
        hint=f"--set discriminator.n_layers={most}" if most else "--image-size 32",
    )


class PatchNetwork(Discriminator):
    """Blocks of convolutions, then one convolution to a map of logits. Labels are ignored.

    Batch and instance norm skip the first and the last convolution; spectral norm applies to all. Where BatchNorm
    follows, it has the bias; every other convolution has its own.
    """

    def __init__(self, *, channels: int, ndf: int, n_layers: int, norm: Norm, dropout: float = 0.0) -> None:
        super().__init__()
        self.n_layers = n_layers
        spectral = norm == "spectral"
        of_first: Norm = "spectral" if spectral else "none"
        widths = [channels, *(ndf * min(2**i, LARGEST_FACTOR) for i in range(n_layers + 1))]
        self.blocks = nn.ModuleList()
        for number, ((before, after), stride) in enumerate(zip(pairwise(widths), strides(n_layers), strict=False)):
            here = norm if number else of_first
            self.blocks.append(
                block(before, after, stride=stride, padding=PADDING, bias=here != "batch", norm=here, dropout=dropout)
            )
        self.to_logits = convolution(widths[-1], 1, stride=1, padding=PADDING, bias=True, spectral=spectral)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N, 1, h, w) and the activations of each block."""
        features = []
        activations = images
        for one in self.blocks:
            activations = one(activations)
            features.append(activations)
        return DiscriminatorOutput(logits=self.to_logits(activations), features=tuple(features))

    def receptive_field(self) -> int:
        """Side, in pixels, of the patch one logit sees. It may exceed the image."""
        return receptive_field(self.n_layers)
