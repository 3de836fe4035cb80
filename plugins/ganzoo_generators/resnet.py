"""The residual generator of SNGAN, with SAGAN's optional additions."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
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
from ganzoo_generators.conditional_batch_norm import ConditionalBatchNorm
from ganzoo_generators.doubling import doublings, halving_widths
from ganzoo_generators.labels import class_count, given_labels

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

EVEN_UP_TO = 32
"""Up to this side all blocks are equally wide; above, widths halve toward the image."""
LARGEST_FACTOR = 16


class Resnet(Options):
    """Residual blocks that double a small map up to the image; the mirror of the discriminator ``resnet-sn``.

    Formula:
        z (N, latent) ~ N(0, I) → linear → (N, w₀, b, b) → [block]ⁿ → BatchNorm → ReLU → 3×3 conv → tanh
        → (N, C, S, S),  S = b·2ⁿ,  b ∈ {4, 5, 6, 7}, n ≥ 1
        block(x) = conv₂(relu(norm₂(conv₁(↑ relu(norm₁(x)))))) + ↑ conv₁ₓ₁(x),  ↑ the nearest-neighbor doubling
        widths: up to 32 px all ngf (256); above, … 8·ngf, 4·ngf, 2·ngf, ngf (64), none above 16·ngf

    Images are square and lie in [−1, 1]. All convolutions have biases; the 3×3 convolutions of the blocks start from
    Glorot's uniform distribution times √2, everything else from it times 1. At 32×32×3: 4,276,739 parameters. The
    widths are the authors' at 32, 48 (STL-10), 64 and 128 px; in their network for 256 px one block is half as wide.

    When the plan makes the networks conditional, the BatchNorms of the blocks (not the last one) have a gain and a
    shift per class: 4,304,387 parameters for 10 classes. ``attention`` applies self-attention after the block whose
    output has that side, and ``spectral_norm`` divides the weight of every convolution and of the linear layer by its
    spectral norm, as SAGAN does. In G, the spectral norm is iterated at each forward in training; a discriminator's
    step leaves no trace, so that is once per update (per micro-batch). At first attention adds nothing: its factor
    starts at 0.

    Where implementations differ: some leave out the 1×1 convolution of the shortcut where the width does not change, or
    upsample bilinearly. The authors double before the shortcut's convolution: the same numbers for four times the work.
    Their BatchNorm has ε 2e-5; here it is torch's 1e-5.

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, no block ends at the side of
            ``attention``, or a conditional generator has no classes.

    Source: Miyato et al. 2018, arXiv:1802.05957, appendix B.4; classes: Miyato & Koyama 2018, arXiv:1802.05637;
    attention and spectral norm in G: Zhang et al. 2019, arXiv:1805.08318.
    """

    latent: int = Field(default=128, ge=1, le=65_536, description="size of z")
    ngf: int | None = Field(
        default=None, ge=1, le=65_536, description="width of the last block; by default 256 up to 32 px, else 64"
    )
    attention: int | None = Field(
        default=None,
        ge=1,
        description="side of the feature map that self-attention is applied to, in pixels; null for no attention",
    )
    spectral_norm: bool = Field(default=False, description="divide weights by their spectral norm, as SAGAN does")

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ngf": self._last_width(spec)})

    def tags(self) -> frozenset[str]:
        """``spectral_norm`` if switched on; the others for all options."""
        tags = frozenset({"accepts_labels", "batch_coupled_train", "batch_nonlinear", "image"})
        return tags | {"spectral_norm"} if self.spectral_norm else tags

    def build(self, spec: DataSpec) -> ResnetNetwork:
        """The network for images of ``spec``, conditional if ``spec`` is."""
        channels, height, width = image_shape(spec, of="generator resnet")
        count, side = doublings(height, width, generator="resnet")
        largest = 1 if height <= EVEN_UP_TO else LARGEST_FACTOR
        return ResnetNetwork(
            channels,
            halving_widths(self._last_width(spec), count + 1, largest=largest),
            side=side,
            latent=self.latent,
            classes=class_count(spec, generator="resnet"),
            attention_after=place_of_attention(self.attention, side, count, generator="resnet"),
            spectral=self.spectral_norm,
        )

    def _last_width(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, of="generator resnet")
        return self.ngf or (256 if min(height, width) <= EVEN_UP_TO else 64)


class ResnetNetwork(Generator):
    """The module behind :class:`Resnet`; ``classes`` 0 means unconditional."""

    def __init__(
        self,
        channels: int,
        widths: list[int],
        *,
        side: int,
        latent: int,
        classes: int,
        attention_after: int | None = None,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.latent_size = latent
        self.classes = classes
        self.first_map = nn.Unflatten(1, (widths[0], side, side))
        self.from_latent = _initialized(nn.Linear(latent, widths[0] * side**2), spectral=spectral)
        self.blocks = nn.ModuleList(
            DoublingBlock(before, after, classes=classes, spectral=spectral) for before, after in pairwise(widths)
        )
        self.attention_after = attention_after
        if attention_after is not None:
            self.attention = SelfAttention(widths[attention_after + 1], spectral=spectral)
        self.last_norm = nn.BatchNorm2d(widths[-1])
        self.to_image = _convolution(widths[-1], channels, kernel=3, spectral=spectral)

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw z, (n, latent), from N(0, I) on the CPU."""
        return torch.randn(n, self.latent_size, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, S, S) in [−1, 1]. An unconditional generator ignores ``labels``.

        Raises:
            ConfigError: if the generator is conditional and ``labels`` is missing.
        """
        if self.classes:
            labels = given_labels(labels, classes=self.classes, generator="resnet")
        maps = self.first_map(self.from_latent(z))
        for number, block in enumerate(self.blocks):
            maps = block(maps, labels)
            if number == self.attention_after:
                maps = self.attention(maps)
        images: Tensor = torch.tanh(self.to_image(F.relu(self.last_norm(maps))))
        return images


class DoublingBlock(nn.Module):
    """Doubles a map; see the formula of :class:`Resnet`."""

    def __init__(self, before: int, after: int, *, classes: int, spectral: bool) -> None:
        super().__init__()
        self.first_norm = ConditionalBatchNorm(before, classes)
        self.first = _convolution(before, after, kernel=3, gain=sqrt(2), spectral=spectral)
        self.second_norm = ConditionalBatchNorm(after, classes)
        self.second = _convolution(after, after, kernel=3, gain=sqrt(2), spectral=spectral)
        self.shortcut = _convolution(before, after, kernel=1, spectral=spectral)

    def forward(self, maps: Tensor, labels: Tensor | None) -> Tensor:
        """(N, before, H, W) → (N, after, 2H, 2W)."""
        # In place on what the norm returns, never on ``maps``: the shortcut needs them as they are.
        hidden = F.relu(self.first_norm(maps, labels), inplace=True)
        hidden = self.first(_doubled(hidden))
        hidden = self.second(F.relu(self.second_norm(hidden, labels), inplace=True))
        summed: Tensor = hidden + _doubled(self.shortcut(maps))
        return summed


def _doubled(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="nearest")


def _convolution(before: int, after: int, *, kernel: int, gain: float = 1.0, spectral: bool) -> nn.Module:
    return _initialized(nn.Conv2d(before, after, kernel, padding=kernel // 2), gain=gain, spectral=spectral)


def _initialized(layer: nn.Conv2d | nn.Linear, *, gain: float = 1.0, spectral: bool) -> nn.Module:
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    # Initialization comes first, so that the first power iterations see the weights in use.
    return spectral_norm(layer) if spectral else layer
