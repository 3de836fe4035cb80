"""The generator of BigGAN."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Self

import torch
from ganzoo_blocks.attention import SelfAttention
from ganzoo_blocks.image_shape import image_shape
from pydantic import Field
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.component import Options
from ganzoo.protocols import Generator
from ganzoo_generators.attention_place import place_of_attention
from ganzoo_generators.doubling import doublings
from ganzoo_generators.labels import class_count, given_labels

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

LARGE = 128
"""From this side on the paper's width is the default."""


class Biggan(Options):
    """Residual blocks whose BatchNorms hear the class and a part of z each; the mirror of the discriminator ``biggan``.

    Formula:
        z = (z₀, …, z_n) ~ N(0, I), (N, (n+1)·latent);  c_i = (e_y, z_i), e_y a learned vector of the class
        z₀ → linear → (N, w₀, b, b) → [block with c_i]ⁿ → BatchNorm → ReLU → 3×3 conv → tanh → (N, C, S, S),  S = b·2ⁿ
        block(x) = conv₂(relu(norm₂(conv₁(↑ relu(norm₁(x)))))) + conv₁ₓ₁(↑x),  ↑ the nearest-neighbor doubling
        norm(x) = (1 + U c_i) ⊙ (x − μ)/√(σ² + 1e-5) + V c_i

    Widths in multiples of ngf: 4 everywhere up to 3 blocks (32 px); 16, 16, 8, 4, 2 for 4 (64 px); 16, 16, 8, 4, 2, 1
    for 5 (128 px); 16, 16, 8, 8, 4, 2, 1 for 6 (256 px), with another 1 for every block more. Images are square, with
    b ∈ {4, 5, 6, 7} and n ≥ 1, and lie in [−1, 1].

    One embedding of the class is shared by all blocks; U and V are matrices of each norm, without bias. An
    unconditional generator has no e_y. Every convolution and linear layer, U and V among them, is divided by its
    spectral norm, iterated at each forward in training; the embedding is not. All weights start orthogonal, but
    self-attention's, which start from Glorot's uniform distribution. ``attention`` 64 is the paper's, for images of 128
    px or more. At 128×128×3 with ngf 96, 1,000 classes and attention 64: 70,433,988 parameters, as BigGAN-PyTorch
    prints. Truncated samples: ``ganzoo sample RUN --truncation 0.5``; the regularizer ``orthogonal`` makes them better.

    Where implementations differ: BigGAN-deep is another network, which gives all of z to every block. BigGAN-PyTorch
    leaves out the division of z and the shared embedding in its setting for CIFAR. Its BatchNorm has its own ε, 1e-5 as
    here; trained generators that were published use statistics of their truncation, here they are those of training.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, no block ends at the side of
            ``attention``, or a conditional generator has no classes.

    Source: Brock et al. 2019, arXiv:1809.11096, section 3.1, appendix B, figure 15 and tables 4 to 6; BigGAN-PyTorch,
    by one of its authors.
    """

    latent: int = Field(
        default=20, ge=1, le=65_536, description="numbers of z for the first layer, and as many for each block"
    )
    ngf: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="unit of all widths; by default 64 below 128 px, else 96 (the paper's)",
    )
    embedding: int = Field(
        default=128, ge=1, le=65_536, description="size of the class embedding that all blocks share"
    )
    attention: int | None = Field(
        default=None,
        ge=1,
        description="side of the feature map that self-attention is applied to, in pixels; null for no attention",
    )

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ngf": self._unit(spec)})

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"accepts_labels", "batch_coupled_train", "batch_nonlinear", "image", "spectral_norm"})

    def build(self, spec: DataSpec) -> BigganNetwork:
        """The network for images of ``spec``, conditional if ``spec`` is."""
        channels, height, width = image_shape(spec, of="generator biggan")
        count, side = doublings(height, width, generator="biggan")
        return BigganNetwork(
            channels,
            [self._unit(spec) * factor for factor in factors(count)],
            side=side,
            latent=self.latent,
            classes=class_count(spec, generator="biggan"),
            embedding=self.embedding,
            attention_after=place_of_attention(self.attention, side, count, generator="biggan"),
        )

    def _unit(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, of="generator biggan")
        return self.ngf or (64 if min(height, width) < LARGE else 96)


def factors(count: int) -> tuple[int, ...]:
    """Widths before the first and after each of ``count`` blocks, in multiples of ngf."""
    if count <= 3:
        return (4,) * (count + 1)
    if count <= 5:
        return (16, 16, 8, 4, 2, 1)[: count + 1]
    return (16, 16, 8, 8, 4, 2, *(1,) * (count - 5))


class BigganNetwork(Generator):
    """The module behind :class:`Biggan`; ``classes`` 0 means unconditional."""

    def __init__(
        self,
        channels: int,
        widths: list[int],
        *,
        side: int,
        latent: int,
        classes: int,
        embedding: int,
        attention_after: int | None,
    ) -> None:
        super().__init__()
        self.chunk = latent
        self.embedding = nn.Embedding(classes, embedding) if classes else None
        if self.embedding is not None:
            nn.init.orthogonal_(self.embedding.weight)
        condition = latent + (embedding if classes else 0)
        self.first_map = nn.Unflatten(1, (widths[0], side, side))
        self.from_latent = _orthogonal(nn.Linear(latent, widths[0] * side**2))
        self.blocks = nn.ModuleList(ModulatedBlock(*pair, condition=condition) for pair in pairwise(widths))
        self.attention_after = attention_after
        if attention_after is not None:
            self.attention = SelfAttention(widths[attention_after + 1], spectral=True)
        self.last_norm = nn.BatchNorm2d(widths[-1])
        self.to_image = _convolution(widths[-1], channels, kernel=3)

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw z, (n, latent times blocks and one), from N(0, I) on the CPU."""
        return torch.randn(n, self.chunk * (len(self.blocks) + 1), generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, S, S) in [−1, 1]. An unconditional generator ignores ``labels``.

        Raises:
            ConfigError: if the generator is conditional and ``labels`` is missing.
        """
        first, *parts = torch.split(z, self.chunk, dim=1)
        if self.embedding is not None:
            labels = given_labels(labels, classes=self.embedding.num_embeddings, generator="biggan")
            shared = self.embedding(labels)
            parts = [torch.cat([shared, part], dim=1) for part in parts]
        maps = self.first_map(self.from_latent(first))
        for number, (block, condition) in enumerate(zip(self.blocks, parts, strict=True)):
            maps = block(maps, condition)
            if number == self.attention_after:
                maps = self.attention(maps)
        images: Tensor = torch.tanh(self.to_image(F.relu(self.last_norm(maps))))
        return images


class ModulatedBlock(nn.Module):
    """Doubles a map; see the formula of :class:`Biggan`."""

    def __init__(self, before: int, after: int, *, condition: int) -> None:
        super().__init__()
        self.first_norm = ModulatedBatchNorm(before, condition)
        self.first = _convolution(before, after, kernel=3)
        self.second_norm = ModulatedBatchNorm(after, condition)
        self.second = _convolution(after, after, kernel=3)
        self.shortcut = _convolution(before, after, kernel=1)

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """(N, before, H, W) → (N, after, 2H, 2W)."""
        hidden = self.first(_doubled(F.relu(self.first_norm(maps, condition))))
        hidden = self.second(F.relu(self.second_norm(hidden, condition)))
        # A 1×1 convolution before the doubling is the same function as after it, for a quarter of the work.
        summed: Tensor = hidden + _doubled(self.shortcut(maps))
        return summed


class ModulatedBatchNorm(nn.Module):
    """BatchNorm over the whole batch, then a gain and a shift that are linear in a condition of each sample.

    Formula:
        y_nc = (1 + (U c_n)_c)·(x_nc − μ_c)/√(σ²_c + ε) + (V c_n)_c

    Source: Brock et al. 2019, arXiv:1809.11096, section 3.1 and appendix B.
    """

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = _orthogonal(nn.Linear(condition, channels, bias=False))
        self.shift = _orthogonal(nn.Linear(condition, channels, bias=False))

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """(N, channels, H, W) and (N, condition) to the shape of the maps."""
        gain: Tensor = 1 + self.gain(condition)
        shift: Tensor = self.shift(condition)
        normalized: Tensor = self.norm(maps)
        return normalized * gain[:, :, None, None] + shift[:, :, None, None]


def _doubled(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="nearest")


def _convolution(before: int, after: int, *, kernel: int) -> nn.Module:
    return _orthogonal(nn.Conv2d(before, after, kernel, padding=kernel // 2))


def _orthogonal(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    nn.init.orthogonal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    # Initialization comes first, so that the first power iterations see the weights in use.
    return spectral_norm(layer)
