"""The DCGAN trunk, and the options of every discriminator upon it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo_discriminators.convolution import batch_norm, convolution
from ganzoo_discriminators.halving import halvings
from ganzoo_discriminators.image_shape import image_shape, width_by_size

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

Norm = Literal["batch", "instance", "spectral", "none"]

NORM_TAGS: dict[Norm, frozenset[str]] = {
    "batch": frozenset({"batch_coupled_train", "batch_nonlinear"}),
    "instance": frozenset(),
    "spectral": frozenset({"spectral_norm"}),
    "none": frozenset(),
}
LARGEST_FACTOR = 8
"""Widths double from block to block up to this multiple of the first."""


class DcganTrunkOptions(Options):
    """Options of every discriminator upon the DCGAN trunk."""

    ndf: int | None = Field(
        default=None, ge=1, description="width of the first convolution; by default 32 below 64 px, else 64"
    )
    norm: Norm = Field(
        default="batch", description="batch and instance norm spare the first convolution, spectral norm none"
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the width that goes with the size of the images."""
        return self.model_copy(update={"ndf": self._first_width(spec)})

    def tags(self) -> frozenset[str]:
        """``image``, and what the norm brings along."""
        return NORM_TAGS[self.norm] | {"image"}

    def build_trunk(self, spec: DataSpec) -> DcganTrunk:
        """The trunk for images of ``spec``. Raises ``ConfigError`` if their size does not fit."""
        channels, height, width = image_shape(spec, discriminator=self._name())
        count, side = halvings(height, width, discriminator=self._name())
        widths = [self._first_width(spec) * min(2**i, LARGEST_FACTOR) for i in range(count)]
        return DcganTrunk(channels, widths, side=side, norm=self.norm)

    def _first_width(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, discriminator=self._name())
        return self.ndf or width_by_size(height, width)

    def _name(self) -> str:
        return type(self).__name__.lower()


class DcganTrunk(nn.Module):
    """Blocks that halve: 4×4 convolution of stride 2, norm (not in the first block), LeakyReLU 0.2.

    Convolutions carry a bias with ``norm`` spectral or none; with batch and instance norm none does, as published.
    """

    def __init__(self, channels: int, widths: list[int], *, side: int, norm: Norm) -> None:
        super().__init__()
        self.width = widths[-1]
        self.side = side
        self.spectral = norm == "spectral"
        self.bias = norm in ("spectral", "none")
        first = self._block(channels, widths[0], norm="none")
        later = (self._block(before, after, norm=norm) for before, after in pairwise(widths))
        self.blocks = nn.ModuleList([first, *later])

    def _block(self, before: int, after: int, *, norm: Norm) -> nn.Sequential:
        layers = [convolution(before, after, stride=2, padding=1, bias=self.bias, spectral=self.spectral)]
        if norm == "batch":
            layers.append(batch_norm(after))
        elif norm == "instance":
            layers.append(nn.InstanceNorm2d(after))
        return nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True))

    def head(self, outputs: int, *, bias: bool) -> nn.Module:
        """A convolution over the whole map that remains: (N, width, side, side) to (N, outputs, 1, 1)."""
        return convolution(
            self.width, outputs, kernel=self.side, stride=1, padding=0, bias=bias, spectral=self.spectral
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (N, C, H, W) to the activations after each block; the last is (N, width, side, side)."""
        activations = []
        for block in self.blocks:
            images = block(images)
            activations.append(images)
        return tuple(activations)
