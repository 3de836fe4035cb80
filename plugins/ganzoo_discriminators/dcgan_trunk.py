"""The DCGAN trunk, and the options of every discriminator built on it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Self

from ganzoo_blocks.image_shape import image_shape, width_by_size
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo_discriminators.convolution import block, convolution
from ganzoo_discriminators.halving import halvings
from ganzoo_discriminators.minibatch import KERNELS, MINIBATCH_TAGS, Minibatch, MinibatchDiscrimination, MinibatchStddev
from ganzoo_discriminators.norm import NORM_TAGS, Norm

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

LARGEST_FACTOR = 8
"""Widths double from block to block up to this multiple of the first."""


class DcganTrunkOptions(Options):
    """Options of every discriminator built on the DCGAN trunk."""

    ndf: int | None = Field(
        default=None, ge=1, le=65_536, description="width of the first convolution; by default 32 below 64 px, else 64"
    )
    norm: Literal["batch", "instance", "spectral", "none"] = Field(
        default="batch", description="batch and instance norm skip the first convolution, spectral norm applies to all"
    )
    minibatch: Minibatch = Field(
        default="none",
        description="layer that shows the logit how alike the samples of a batch are: stddev (batches of 1, 2, 3 or "
        "multiples of 4) or discrimination",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ndf": self._first_width(spec)})

    def tags(self) -> frozenset[str]:
        """``image``, ``provides_features``, and the tags of the norm and the minibatch layer."""
        return NORM_TAGS[self.norm] | MINIBATCH_TAGS[self.minibatch] | {"image", "provides_features"}

    def build_trunk(self, spec: DataSpec, *, more_planes: int = 0) -> DcganTrunk:
        """The trunk for images of ``spec`` with ``more_planes`` beside them.

        Raises:
            ConfigError: if their size does not fit.
        """
        channels, height, width = image_shape(spec, of=f"discriminator {self._name()}")
        count, side = halvings(height, width, discriminator=self._name())
        widths = [self._first_width(spec) * min(2**i, LARGEST_FACTOR) for i in range(count)]
        return DcganTrunk(channels + more_planes, widths, side=side, norm=self.norm, minibatch=self.minibatch)

    def _first_width(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, of=f"discriminator {self._name()}")
        return self.ndf or width_by_size(height, width)

    def _name(self) -> str:
        return type(self).__name__.lower()


class DcganTrunk(nn.Module):
    """Blocks that halve: 4×4 convolution of stride 2, norm (not in the first block), LeakyReLU 0.2.

    Convolutions carry a bias with ``norm`` spectral or none; with batch and instance norm none does, as published.
    """

    def __init__(
        self, channels: int, widths: list[int], *, side: int, norm: Norm, minibatch: Minibatch = "none"
    ) -> None:
        super().__init__()
        self.width = widths[-1]
        self.side = side
        self.minibatch = minibatch
        self.spectral = norm == "spectral"
        self.bias = norm in ("spectral", "none")
        self.of_head: Norm = "spectral" if self.spectral else "none"
        first = block(channels, widths[0], stride=2, padding=1, bias=self.bias, norm=self.of_head)
        later = (
            block(before, after, stride=2, padding=1, bias=self.bias, norm=norm) for before, after in pairwise(widths)
        )
        self.blocks = nn.ModuleList([first, *later])

    def head(self, outputs: int, *, bias: bool, more_planes: int = 0) -> nn.Module:
        """A convolution over the whole map that remains: (N, width + more_planes, side, side) to (N, outputs, 1, 1)."""
        entering = self.width + more_planes
        return convolution(entering, outputs, kernel=self.side, stride=1, padding=0, bias=bias, norm=self.of_head)

    def logit_head(self) -> nn.Module:
        """From the last activations, (N, width, side, side), to logits (N, 1, 1, 1), with the minibatch layer between.

        Where that layer returns a vector, a 1×1 convolution of it replaces the convolution over the whole map: it is
        the same linear map of the activations.
        """
        if self.minibatch == "stddev":
            return nn.Sequential(MinibatchStddev(), self.head(1, bias=self.bias, more_planes=1))
        if self.minibatch == "none":
            return self.head(1, bias=self.bias)
        features = self.width * self.side**2
        return nn.Sequential(
            nn.Flatten(),
            MinibatchDiscrimination(features, spectral=self.spectral),
            nn.Unflatten(1, (features + KERNELS, 1, 1)),
            convolution(features + KERNELS, 1, kernel=1, stride=1, padding=0, bias=self.bias, norm=self.of_head),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (N, C, H, W) to the activations after each block; the last is (N, width, side, side)."""
        activations = []
        for one in self.blocks:
            images = one(images)
            activations.append(images)
        return tuple(activations)
