"""A discriminator that takes images of any size."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


class GlobalPool(Options):
    """Strided convolutions, the mean over all positions, one logit.

    Formula:
        x (N, C, H, W) → [3×3 conv, stride 2 → LeakyReLU 0.2]ⁿ → mean over h, w → linear → logit (N,)
        widths: ndf, 2·ndf, 4·ndf, …;  n = depth

    H and W may differ. No layer couples the samples of a batch, so gradient penalties are allowed.

    Raises:
        ConfigError: if the data are not images.
    """

    ndf: int = Field(default=32, ge=1, description="width of the first convolution")
    depth: int = Field(default=3, ge=1, description="how many convolutions, each of stride 2")

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"image", "provides_features"})

    def build(self, spec: DataSpec) -> GlobalPoolNetwork:
        """The network for images of ``spec``."""
        if len(spec.shape) != 3:
            raise ConfigError(
                "discriminator global-pool judges images",
                given=f"data of shape {spec.shape}",
                allowed="shape (C, H, W)",
                hint="ganzoo list datasets",
            )
        return GlobalPoolNetwork(spec.shape[0], ndf=self.ndf, depth=self.depth)


class GlobalPoolNetwork(Discriminator):
    """The module behind :class:`GlobalPool`. Labels are not looked at."""

    def __init__(self, channels: int, *, ndf: int, depth: int) -> None:
        super().__init__()
        widths = [channels, *(ndf * 2**i for i in range(depth))]
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1), nn.LeakyReLU(0.2))
            for before, after in pairwise(widths)
        )
        self.to_logit = nn.Linear(widths[-1], 1)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Logits (N,) and the activations of each block."""
        features = []
        activations = images
        for block in self.blocks:
            activations = block(activations)
            features.append(activations)
        logits = self.to_logit(activations.mean(dim=(2, 3))).squeeze(1)
        return DiscriminatorOutput(logits=logits, features=tuple(features))
