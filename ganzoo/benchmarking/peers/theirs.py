"""Networks and pictures of another library as ganzoo has them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.protocols import Dataset, DataSpec, Discriminator, DiscriminatorOutput, Generator


class TheirDiscriminator(Discriminator):
    """A network of a library that gives one logit per picture."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Its verdict."""
        return DiscriminatorOutput(self.network(images).flatten())


class TheirGenerator(Generator):
    """A network of a library that takes normal latents."""

    def __init__(self, network: nn.Module, latent: int) -> None:
        super().__init__()
        self.network, self.size = network, latent

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Normal."""
        return torch.randn(n, self.size, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Its fakes."""
        made: Tensor = self.network(z)
        return made


class InMemory:
    """A dataset whose pictures lie in memory, without labels, as the library has them."""

    labels: Tensor | None = None
    groups: tuple[str, ...] | None = None
    modes: Tensor | None = None

    def __init__(self, images: Tensor, *, like: Dataset) -> None:
        self._images = images
        self.spec = DataSpec(shape=like.spec.shape, classes=(), marginal=())
        self.fingerprint = like.fingerprint

    def __len__(self) -> int:
        return len(self._images)

    def read(self, index: Tensor) -> Tensor:
        """Pixels."""
        return self._images[index]
