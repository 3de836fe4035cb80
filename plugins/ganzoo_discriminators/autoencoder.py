"""The autoencoder that EBGAN and BEGAN use as a discriminator."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from ganzoo_blocks.image_shape import image_shape, width_by_size
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.halving import halvings

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

Distance = Literal["l2", "l1"]
Norm = Literal["none", "batch"]
Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)

LARGEST_FACTOR = 8
"""Widths double from block to block up to this multiple of the first."""
SLOPE = 0.2
"""Slope of every LeakyReLU below 0."""


class Autoencoder(Options):
    """Encodes and decodes the image; the reconstruction error is its energy, and the logit is minus that energy.

    Formula:
        logit_i = −energy_i;  energy_i = mean over C·H·W of (x̂_i − x_i)²  (l2)  or of |x̂_i − x_i|  (l1)
        x (N, C, S, S) → [4×4 conv, stride 2 → norm → LeakyReLU 0.2]ⁿ → linear → code s (N, code),  S = b·2ⁿ
        → linear → [twice the size → 3×3 conv → norm → LeakyReLU 0.2]ⁿ → 3×3 conv → x̂ (N, C, S, S)
        widths: ndf, 2·ndf, 4·ndf, then 8·ndf, and back;  b ∈ {4, 5, 6, 7}, n ≥ 1

    Logits (N,) are at most 0, and higher still means more real. EBGAN's energy is l2, BEGAN's is l1. With ``norm`` none
    each image has its own energy; BatchNorm (after each convolution except the first and the last) couples the batch.
    x̂ is not squashed. Weights start from He's normal distribution, because there is no norm to set the scale; biases
    start at zero. Features are the activations after each halving and, last, the code (N, code), which a pulling-away
    term compares.

    Where implementations differ: EBGAN's convolutional autoencoder has BatchNorm and a feature map as its code; BEGAN's
    has 3×3 convolutions with ELU and, as here, a linear code of 64 numbers and repeated pixels on the way up. Neither
    paper fixes one network for all sizes; the rule here is ganzoo's. EBGAN writes a norm of the difference; the mean of
    squares keeps the margin independent of the image size.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above.

    Source: Zhao et al. 2017, arXiv:1609.03126, section 2.3; Berthelot et al. 2017, arXiv:1703.10717, section 3.
    """

    ndf: int | None = Field(
        default=None, ge=1, le=65_536, description="width of the first convolution; by default 32 below 64 px, else 64"
    )
    code: int = Field(default=64, ge=1, le=65_536, description="size of the code: how many numbers encode an image")
    distance: Distance = Field(
        default="l2", description="reconstruction error: mean squared (l2, EBGAN) or mean absolute (l1, BEGAN)"
    )
    norm: Norm = Field(
        default="none", description="batch = BatchNorm, which couples the energies of a batch, as in EBGAN"
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ndf": self._first_width(spec)})

    def tags(self) -> frozenset[str]:
        """``energy``, and the tags of the norm."""
        of_norm = {"batch_coupled_train", "batch_nonlinear"} if self.norm == "batch" else set()
        return frozenset({"energy", "image", "provides_features"} | of_norm)

    def build(self, spec: DataSpec) -> AutoencoderNetwork:
        """The network for images of ``spec``."""
        channels, height, width = image_shape(spec, of="discriminator autoencoder")
        count, side = halvings(height, width, discriminator="autoencoder")
        widths = [self._first_width(spec) * min(2**index, LARGEST_FACTOR) for index in range(count)]
        return AutoencoderNetwork(
            channels, widths, side=side, code=self.code, distance=self.distance, norm=self.norm == "batch"
        )

    def _first_width(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, of="discriminator autoencoder")
        return self.ndf or width_by_size(height, width)


class AutoencoderNetwork(Discriminator):
    """The module behind :class:`Autoencoder`. Labels are ignored."""

    def __init__(
        self, channels: int, widths: list[int], *, side: int, code: int, distance: Distance, norm: bool
    ) -> None:
        super().__init__()
        self.distance = distance
        self.halving = nn.ModuleList(
            _halving(before, after, norm=norm and index > 0)
            for index, (before, after) in enumerate(pairwise([channels, *widths]))
        )
        flat = widths[-1] * side * side
        self.to_code = _started(nn.Linear(flat, code))
        upward = [widths[-1], *reversed(widths[:-1]), widths[0]]
        self.decoder = nn.Sequential(
            _started(nn.Linear(code, flat)),
            nn.Unflatten(1, (widths[-1], side, side)),
            nn.LeakyReLU(SLOPE, inplace=True),
            *(_doubling(before, after, norm=norm) for before, after in pairwise(upward)),
            _started(nn.Conv2d(widths[0], channels, 3, padding=1), slope=1.0),
        )

    def reconstruct(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Images (N, C, S, S) to x̂ of the same shape, and the activations down to the code."""
        features = []
        activations = images
        for block in self.halving:
            activations = block(activations)
            features.append(activations)
        features.append(self.to_code(activations.flatten(1)))
        return self.decoder(features[-1]), tuple(features)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,): minus the energy of each image; the activations down to the code."""
        reconstruction, features = self.reconstruct(images)
        error = reconstruction - images
        error = error.square() if self.distance == "l2" else error.abs()
        return DiscriminatorOutput(logits=-error.flatten(1).mean(dim=1), features=features)


def _halving(before: int, after: int, *, norm: bool) -> nn.Sequential:
    convolution = _started(nn.Conv2d(before, after, 4, stride=2, padding=1))
    return nn.Sequential(convolution, *_norm_and_activation(after, norm=norm))


def _doubling(before: int, after: int, *, norm: bool) -> nn.Sequential:
    convolution = _started(nn.Conv2d(before, after, 3, padding=1))
    return nn.Sequential(nn.Upsample(scale_factor=2), convolution, *_norm_and_activation(after, norm=norm))


def _norm_and_activation(width: int, *, norm: bool) -> list[nn.Module]:
    return [*([nn.BatchNorm2d(width)] if norm else []), nn.LeakyReLU(SLOPE, inplace=True)]


def _started(layer: Layer, *, slope: float = SLOPE) -> Layer:
    """The layer with He's weights for a LeakyReLU of ``slope`` behind it (1: none), and zero bias."""
    nn.init.kaiming_normal_(layer.weight, a=slope)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
