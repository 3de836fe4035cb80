"""The DCGAN generator."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Self

import torch
from ganzoo_blocks.image_shape import image_shape, width_by_size
from pydantic import Field
from torch import Tensor, nn

from ganzoo.component import Options
from ganzoo.protocols import Generator
from ganzoo_generators.doubling import doublings, halving_widths
from ganzoo_generators.labels import class_count, given_labels

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec

WEIGHT_STD = 0.02
LARGEST_FACTOR = 8
"""Widths halve from block to block, starting from no more than this multiple of the last."""


class Dcgan(Options):
    """Transposed convolutions that double a small map up to the image; the mirror of the discriminator ``dcgan``.

    Formula:
        z (N, latent) ~ N(0, I) → b×b transposed conv → BatchNorm → ReLU → (N, w, b, b),  S = b·2ⁿ
        → [4×4 transposed conv, stride 2 → BatchNorm → ReLU]ⁿ⁻¹ → 4×4 transposed conv, stride 2 → tanh → (N, C, S, S)
        widths: … 8·ngf, 4·ngf, 2·ngf, ngf;  b ∈ {4, 5, 6, 7}, n ≥ 1

    Images are square, with S = 8, 10, 12, …, 28, 32, …, 256, and lie in [−1, 1]. No convolution has a bias. Weights
    start from N(0, 0.02²), BatchNorm's from N(1, 0.02²). At 64×64×3, latent 100 and ngf 64: 3,576,704 parameters.

    When the plan makes the networks conditional, a learned embedding of the label, as wide as z and initialized from
    N(0, I), is concatenated to z, so class and noise enter with equal strength.

    Where implementations differ: some append the label as a one-hot vector, or multiply z by the embedding; above 64
    px, some begin with 16·ngf, while here 8·ngf is the widest.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, or a conditional generator has no
            classes.

    Source: Radford et al. 2016, arXiv:1511.06434; labels beside z: Mirza & Osindero 2014, arXiv:1411.1784, and Odena
    et al. 2017, arXiv:1610.09585.
    """

    latent: int = Field(default=100, ge=1, le=65_536, description="size of z")
    ngf: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="width of the last feature map before the image; by default 32 below 64 px, else 64",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ngf": self._last_width(spec)})

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"accepts_labels", "batch_coupled_train", "batch_nonlinear", "image"})

    def build(self, spec: DataSpec) -> DcganNetwork:
        """The network for images of ``spec``, conditional if ``spec`` is."""
        channels, height, width = image_shape(spec, of="generator dcgan")
        count, side = doublings(height, width, generator="dcgan")
        widths = halving_widths(self._last_width(spec), count, largest=LARGEST_FACTOR)
        classes = class_count(spec, generator="dcgan")
        return DcganNetwork(channels, widths, side=side, latent=self.latent, classes=classes)

    def _last_width(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, of="generator dcgan")
        return self.ngf or width_by_size(height, width)


class DcganNetwork(Generator):
    """The module behind :class:`Dcgan`; ``classes`` 0 means unconditional."""

    def __init__(self, channels: int, widths: list[int], *, side: int, latent: int, classes: int) -> None:
        super().__init__()
        self.latent_size = latent
        self.label_embedding = nn.Embedding(classes, latent) if classes else None
        entering = latent if self.label_embedding is None else 2 * latent
        self.blocks = nn.Sequential(
            _block(entering, widths[0], kernel=side, stride=1, padding=0),
            *(_block(before, after) for before, after in pairwise(widths)),
        )
        self.to_image = _transposed(widths[-1], channels)

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw z, (n, latent), from N(0, I) on the CPU."""
        return torch.randn(n, self.latent_size, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, S, S) in [−1, 1]. An unconditional generator ignores ``labels``.

        Raises:
            ConfigError: if the generator is conditional and ``labels`` is missing.
        """
        if self.label_embedding is not None:
            classes = self.label_embedding.num_embeddings
            labels = given_labels(labels, classes=classes, generator="dcgan")
            z = torch.cat([z, self.label_embedding(labels)], dim=1)
        images: Tensor = torch.tanh(self.to_image(self.blocks(z[:, :, None, None])))
        return images


def _block(before: int, after: int, *, kernel: int = 4, stride: int = 2, padding: int = 1) -> nn.Sequential:
    norm = nn.BatchNorm2d(after)
    nn.init.normal_(norm.weight, 1.0, WEIGHT_STD)
    layer = _transposed(before, after, kernel=kernel, stride=stride, padding=padding)
    return nn.Sequential(layer, norm, nn.ReLU(inplace=True))


def _transposed(before: int, after: int, *, kernel: int = 4, stride: int = 2, padding: int = 1) -> nn.ConvTranspose2d:
    layer = nn.ConvTranspose2d(before, after, kernel, stride, padding, bias=False)
    nn.init.normal_(layer.weight, 0.0, WEIGHT_STD)
    return layer
