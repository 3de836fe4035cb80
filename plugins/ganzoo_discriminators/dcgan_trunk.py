"""The DCGAN trunk: halving convolutions, and the options all discriminators upon it share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo_discriminators.image_shape import image_shape

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

Norm = Literal["batch", "instance", "spectral", "none"]
WIDEST = 8
"""Widths stop doubling at this multiple of the first."""


class DcganTrunkOptions(Options):
    """Options of every discriminator upon the DCGAN trunk."""

    ndf: int | None = Field(
        default=None, ge=1, description="width of the first convolution; by default 32 below 64 px, else 64"
    )
    norm: Norm = Field(
        default="batch",
        description="batch and instance norm spare the first convolution; spectral norm is on every one",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the width chosen by image size."""
        _, height, width = image_shape(spec, discriminator="dcgan")
        return self.model_copy(update={"ndf": self.ndf or (32 if min(height, width) < 64 else 64)})

    def tags(self) -> frozenset[str]:
        """Capabilities by norm."""
        by_norm: dict[Norm, set[str]] = {
            "batch": {"batch_coupled_train", "batch_nonlinear"},
            "instance": set(),
            "spectral": {"spectral_norm"},
            "none": set(),
        }
        return frozenset({"image", *by_norm[self.norm]})

    def build_trunk(self, spec: DataSpec) -> DcganTrunk:
        """The trunk for images of ``spec``. Raises :class:`ConfigError` if their size does not fit."""
        channels, height, width = image_shape(spec, discriminator="dcgan")
        halvings, side = halve(height, width)
        widths = [(self.resolve(spec).ndf or 0) * min(2**i, WIDEST) for i in range(halvings)]
        return DcganTrunk(channels, widths, side=side, norm=self.norm)


class DcganTrunk(nn.Module):
    """Images (N, C, H, W) to the activations of each halving block, the last of them (N, width, side, side)."""

    def __init__(self, channels: int, widths: list[int], *, side: int, norm: Norm) -> None:
        super().__init__()
        self.width = widths[-1]
        self.side = side
        self.norm: Norm = norm
        inputs = [channels, *widths[:-1]]
        self.blocks = nn.ModuleList(
            halving_block(before, after, norm=norm, first=before is inputs[0])
            for before, after in zip(inputs, widths, strict=True)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The activations after each block."""
        features = []
        for block in self.blocks:
            images = block(images)
            features.append(images)
        return tuple(features)

    def head(self, outputs: int, *, bias: bool) -> nn.Module:
        """A convolution over the whole remaining map, (N, width, side, side) to (N, outputs, 1, 1)."""
        return convolution(self.width, outputs, kernel=self.side, stride=1, padding=0, bias=bias, norm=self.norm)


def halve(height: int, width: int) -> tuple[int, int]:
    """How often a square image is halved, and the side b in 4…7 that remains: height = b·2ⁿ, n ≥ 1.

    Raises:
        ConfigError: if the image is not square or has no such side.
    """
    halvings, side = 0, height
    while side % 2 == 0 and side >= 8:
        halvings, side = halvings + 1, side // 2
    if height != width or not halvings or side > 7:
        raise ConfigError(
            "the DCGAN family halves a square image until a side of 4, 5, 6 or 7 remains",
            given=f"images of {height}×{width}",
            allowed="sides b·2ⁿ with b in 4…7 and n ≥ 1: 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, …, 128, …, 256",
            hint="--image-size 64",
        )
    return halvings, side


def halving_block(before: int, after: int, *, norm: Norm, first: bool) -> nn.Sequential:
    """4×4 convolution of stride 2, norm, LeakyReLU 0.2: half the side."""
    bias = norm in ("spectral", "none")
    layers: list[nn.Module] = [convolution(before, after, kernel=4, stride=2, padding=1, bias=bias, norm=norm)]
    if norm == "batch" and not first:
        layers.append(published_batch_norm(after))
    if norm == "instance" and not first:
        layers.append(nn.InstanceNorm2d(after))
    layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers)


def convolution(
    before: int, after: int, *, kernel: int, stride: int, padding: int, bias: bool, norm: Norm
) -> nn.Module:
    """A convolution with weights from N(0, 0.02²), zero bias, and spectral norm if asked for."""
    layer = nn.Conv2d(before, after, kernel, stride, padding, bias=bias)
    nn.init.normal_(layer.weight, 0.0, 0.02)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if norm == "spectral" else layer


def published_batch_norm(width: int) -> nn.BatchNorm2d:
    """BatchNorm with weights from N(1, 0.02²) and zero bias, as DCGAN was published."""
    layer = nn.BatchNorm2d(width)
    nn.init.normal_(layer.weight, 1.0, 0.02)
    return layer
