"""A small generator in the manner of StyleGAN2."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Self

import torch
from ganzoo_blocks.equalized import ScaledLinear, activated
from ganzoo_blocks.image_shape import image_shape, width_by_size
from ganzoo_blocks.smoothing import SmoothDoubling
from pydantic import Field
from torch import nn

from ganzoo.component import Options
from ganzoo.protocols import Generator
from ganzoo_generators.doubling import doublings, halving_widths
from ganzoo_generators.labels import class_count, given_labels
from ganzoo_generators.modulation import EPSILON, ModulatedConvolution, StyledConvolution

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

LARGEST_FACTOR = 8
MAPPING_RATE = 0.01
"""Learning rate of the mapping network, relative to the rest."""


class Stylegan(Options):
    """A small StyleGAN2 generator: a style w computed from z scales the weights of every convolution.

    Formula:
        z (N, latent) ~ N(0, I) → z/√(mean z² + 1e-8) → [linear, rate 0.01 → √2·lrelu₀.₂]^mapping_layers → w (N, latent)
        learned constant (w₀, b, b) → styled conv → [styled conv doubling the map → styled conv]ⁿ,  S = b·2ⁿ
        image = tanh(Σ over sides of the 1×1 modulated conv of the maps, doubled up to S) → (N, C, S, S)
        widths: … 8·ngf, 4·ngf, 2·ngf, ngf, none above 8·ngf;  b ∈ {4, 5, 6, 7}, n ≥ 1

    A styled convolution has kernel 3, modulated and demodulated weights, noise of learned strength (0 at first), a bias
    and √2·lrelu₀.₂. Images are square. All weights start from N(0, 1) and are scaled when they are used (equalized
    learning rate). At 32×32×3, latent 128, ngf 32: 1,391,347 parameters.

    In training, each convolution draws noise from torch's global generators. In evaluation, it uses the noise drawn
    when the network was built, so images are a function of z (and labels) alone. When the plan makes the networks
    conditional, an embedding of the label, as wide as z and normalized like it, is concatenated to z. ``mapping`` and
    ``synthesis`` are the two halves of ``forward``, for a penalty on path lengths.

    Where implementations differ: the authors' images are unbounded in training and clamped when written; here they end
    in tanh, because ganzoo's images lie in [−1, 1] and clamping has no gradient outside. Theirs has latent 512 and
    eight mapping layers, and two for CIFAR-10. Their w may differ from layer to layer; here all layers share one w, at
    which path lengths are taken. Style mixing is left out (the authors also train CIFAR-10 without
    mixing).

    Raises:
        ConfigError: if the data are not square images with a side b·2ⁿ as above, or a conditional generator has no
            classes.

    Source: Karras et al. 2020, arXiv:1912.04958, section 2, figures 2 and 7; labels and the small setting: Karras et
    al. 2020, arXiv:2006.06676.
    """

    latent: int = Field(default=128, ge=1, le=65_536, description="size of z and of w")
    ngf: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="width of the last feature map before the image; by default 32 below 64 px, else 64",
    )
    mapping_layers: int = Field(default=2, ge=1, le=1_000, description="number of layers from z to w")

    def resolve(self, spec: DataSpec) -> Self:
        """A copy with the default width for the image size."""
        return self.model_copy(update={"ngf": self._last_width(spec)})

    def tags(self) -> frozenset[str]:
        """The same for all options."""
        return frozenset({"accepts_labels", "image", "provides_style"})

    def build(self, spec: DataSpec) -> StyleganNetwork:
        """The network for images of ``spec``, conditional if ``spec`` is."""
        channels, height, width = image_shape(spec, of="generator stylegan")
        count, side = doublings(height, width, generator="stylegan")
        return StyleganNetwork(
            channels,
            halving_widths(self._last_width(spec), count + 1, largest=LARGEST_FACTOR),
            side=side,
            latent=self.latent,
            mapping_layers=self.mapping_layers,
            classes=class_count(spec, generator="stylegan"),
        )

    def _last_width(self, spec: DataSpec) -> int:
        _, height, width = image_shape(spec, of="generator stylegan")
        return self.ngf or width_by_size(height, width)


class StyleganNetwork(Generator):
    """The module behind :class:`Stylegan`; ``classes`` 0 means unconditional."""

    def __init__(
        self, channels: int, widths: list[int], *, side: int, latent: int, mapping_layers: int, classes: int
    ) -> None:
        super().__init__()
        self.latent_size = latent
        self.label_embedding = nn.Embedding(classes, latent) if classes else None
        entering = [2 * latent if classes else latent, *[latent] * (mapping_layers - 1)]
        self.mapping_layers = nn.ModuleList(ScaledLinear(size, latent, rate=MAPPING_RATE) for size in entering)
        self.constant = nn.Parameter(torch.randn(1, widths[0], side, side))
        self.first = StyledConvolution(widths[0], widths[0], side=side, style=latent)
        self.first_to_image = ToImage(widths[0], channels, style=latent)
        self.blocks = nn.ModuleList(
            StyledBlock(before, after, channels, side=side << number, style=latent)
            for number, (before, after) in enumerate(pairwise(widths), start=1)
        )

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw z, (n, latent), from N(0, I) on the CPU."""
        return torch.randn(n, self.latent_size, generator=generator)

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """The style w (N, latent) of latents and, if conditional, labels.

        Raises:
            ConfigError: if the generator is conditional and ``labels`` is missing.
        """
        w = _normalized(z)
        if self.label_embedding is not None:
            classes = self.label_embedding.num_embeddings
            labels = given_labels(labels, classes=classes, generator="stylegan")
            w = torch.cat([w, _normalized(self.label_embedding(labels))], dim=1)
        for layer in self.mapping_layers:
            w = activated(layer(w))
        return w

    def synthesis(self, w: Tensor) -> Tensor:
        """Images (N, C, S, S) in [−1, 1] of styles w (N, latent), with noise that is drawn anew only in training."""
        maps = self.first(self.constant.expand(len(w), -1, -1, -1), w)
        image = self.first_to_image(maps, w)
        for block in self.blocks:
            maps, image = block(maps, image, w)
        return torch.tanh(image)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images (N, C, S, S) in [−1, 1]. An unconditional generator ignores ``labels``.

        Raises:
            ConfigError: if the generator is conditional and ``labels`` is missing.
        """
        return self.synthesis(self.mapping(z, labels))


class StyledBlock(nn.Module):
    """Doubles the maps, and adds their contribution to the image so far."""

    def __init__(self, before: int, after: int, channels: int, *, side: int, style: int) -> None:
        super().__init__()
        self.first = StyledConvolution(before, after, side=side, style=style, double=True)
        self.second = StyledConvolution(after, after, side=side, style=style)
        self.to_image = ToImage(after, channels, style=style)
        self.doubling = SmoothDoubling()

    def forward(self, maps: Tensor, image: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (N, before, s, s) and image (N, C, s, s) → the same of twice the side."""
        maps = self.second(self.first(maps, w), w)
        return maps, self.doubling(image) + self.to_image(maps, w)


class ToImage(nn.Module):
    """A 1×1 modulated convolution, not demodulated, and a bias."""

    def __init__(self, before: int, channels: int, *, style: int) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(before, channels, kernel=1, style=style, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor, w: Tensor) -> Tensor:
        """(N, before, H, W) → (N, C, H, W), unbounded."""
        image: Tensor = self.convolution(maps, w) + self.bias[:, None, None]
        return image


def _normalized(values: Tensor) -> Tensor:
    return values * torch.rsqrt(values.square().mean(dim=1, keepdim=True) + EPSILON)
