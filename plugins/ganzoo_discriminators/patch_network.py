"""The stack of convolutions in every PatchGAN, and its options."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Self

from ganzoo_blocks.image_shape import width_by_size
from ganzoo_blocks.spatial_shape import RANKS as TAKEN
from ganzoo_blocks.spatial_shape import spatial_shape
from pydantic import Field
from torch import nn

from ganzoo.component import RANKS, Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.convolution import block, convolution
from ganzoo_discriminators.patch_fit import check_fit
from ganzoo_discriminators.patch_geometry import KERNEL, PADDING, largest_n_layers, receptive_field, strides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ganzoo.protocols import DataSpec
    from ganzoo_discriminators.norm import Norm

USUAL_DEPTH = 3
LARGEST_FACTOR = 8
"""Widths double from convolution to convolution up to this multiple of the first."""
OneStride = Annotated[int, Field(ge=1, le=KERNEL)]
"""Beyond the kernel some numbers of the data would be seen by nobody."""
Stride = OneStride | Annotated[tuple[OneStride, ...], Field(min_length=1, max_length=3)]


class PatchOptions(Options):
    """Options of every discriminator made of such stacks."""

    ndf: int | None = Field(
        default=None, ge=1, le=65_536, description="width of the first convolution; by default 32 below 64 px, else 64"
    )
    n_layers: int | None = Field(
        default=None,
        ge=1,
        le=1_000,
        description="number of stride-2 convolutions; by default 3, or as many as the image has room for",
    )
    stride: Stride = Field(
        default=2,
        description="stride of these convolutions, or a list with one per axis, such as [1, 2, 2] for volumes",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width and depth for the size of the data (its shorter side)."""
        _, sides = spatial_shape(spec, of=self.name())
        ndf = self.ndf or width_by_size(*sides)
        axes = zip(sides, self.strides(spec), strict=True)
        n_layers = self.n_layers or min(self.usual_n_layers(side, stride) for side, stride in axes)
        return self.model_copy(update={"ndf": ndf, "n_layers": n_layers})

    def tags(self) -> frozenset[str]:
        """What all stacks have in common, and the ranks that have as many axes as there are strides."""
        ranks = TAKEN if isinstance(self.stride, int) else (len(self.stride),)
        return frozenset({"patch", "provides_features", *(RANKS[rank] for rank in ranks)})

    def strides(self, spec: DataSpec) -> tuple[int, ...]:
        """The stride along each axis of ``spec``.

        Raises:
            ConfigError: if there are strides for more axes or fewer.
        """
        given = (self.stride,) * spec.rank if isinstance(self.stride, int) else self.stride
        if len(given) != spec.rank:
            raise ConfigError(
                f"discriminator {self.name()} needs one stride per axis",
                given=f"stride {list(given)} for data of shape {spec.shape}",
                allowed=f"one number, or {spec.rank} of them",
                hint="--set discriminator.stride=2",
            )
        return given

    def sizes(self, spec: DataSpec) -> dict[str, Any]:
        """Channels, width, depth and strides of a stack for data of ``spec``.

        Raises:
            ConfigError: if the data are of another rank, or have no room for it.
        """
        channels, sides = spatial_shape(spec, of=self.name())
        chosen = self.resolve(spec)
        assert chosen.ndf is not None
        assert chosen.n_layers is not None
        check_fit(sides, self.strides(spec), chosen.n_layers, discriminator=self.name())
        return {"channels": channels, "ndf": chosen.ndf, "n_layers": chosen.n_layers, "stride": self.strides(spec)}

    def usual_n_layers(self, side: int, stride: int) -> int:
        """The default depth for a side of the data and the stride along it."""
        return min(USUAL_DEPTH, max(largest_n_layers(side, stride), 1))

    def name(self) -> str:
        """The discriminator's name, for errors: ``PatchganSn`` is patchgan-sn."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class PatchNetwork(Discriminator):
    """Blocks of convolutions, then one convolution to a map of logits. Labels are ignored.

    Batch and instance norm skip the first and the last convolution; spectral and weight norm apply to all. Where
    BatchNorm follows, it has the bias; every other convolution has its own.
    """

    def __init__(
        self,
        *,
        channels: int,
        ndf: int,
        n_layers: int,
        norm: Norm,
        dropout: float = 0.0,
        stride: Sequence[int] = (2, 2),
    ) -> None:
        super().__init__()
        self.n_layers, self.stride = n_layers, tuple(stride)
        rank = len(self.stride)
        of_ends: Norm = norm if norm in ("spectral", "weight") else "none"
        widths = [channels, *(ndf * min(2**i, LARGEST_FACTOR) for i in range(n_layers + 1))]
        self.blocks = nn.ModuleList()
        of_layers = zip(*(strides(n_layers, along) for along in self.stride), strict=True)
        for number, ((before, after), steps) in enumerate(zip(pairwise(widths), of_layers, strict=False)):
            here = norm if number else of_ends
            self.blocks.append(
                block(
                    before,
                    after,
                    stride=steps,
                    padding=PADDING,
                    bias=here != "batch",
                    norm=here,
                    dropout=dropout,
                    rank=rank,
                )
            )
        self.to_logits = convolution(widths[-1], 1, stride=1, padding=PADDING, bias=True, norm=of_ends, rank=rank)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """A map of logits (N, 1, …) with as many axes as the data, and the activations of each block."""
        features = []
        activations = images
        for one in self.blocks:
            activations = one(activations)
            features.append(activations)
        return DiscriminatorOutput(logits=self.to_logits(activations), features=tuple(features))

    def receptive_field(self) -> int | tuple[int, ...]:
        """Side of the patch one logit sees, or one of each axis where they differ. It may exceed the data."""
        sides = tuple(receptive_field(self.n_layers, along) for along in self.stride)
        return sides[0] if len(set(sides)) == 1 else sides
