"""Truncation: less varied samples, nearer to what a generator makes most often. A generator around a generator."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import Generator
from ganzoo.seeds import generator_for

LOOKED_AT = 4096
"""So many latents tell whether they are normal, and so many styles make a mean."""
LARGEST_DISTANCE = 0.01
"""Of an empirical distribution function from the normal one; that of a uniform law of the same variance is 0.057."""


class NarrowLatents(Generator):
    """The truncated-normal trick of BigGAN: latents are normal, conditioned on |z| ≤ ψ in each coordinate.

    Formula:
        z ↦ √2 · erf⁻¹(erf(z/√2) · erf(ψ/√2))

    The authors draw a coordinate anew until it is within ±ψ. The law is the same, but here a sample keeps its place:
    less truncation changes it gradually. BatchNorm keeps the statistics of whole latents; those of truncated ones would
    undo the truncation behind a first linear layer.

    Source: Brock et al. 2019, arXiv:1809.11096, section 3.1.
    """

    def __init__(self, network: Generator, psi: float) -> None:
        super().__init__()
        self.network = network
        self.psi = psi

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Whole latents; they become narrow in ``forward``."""
        return self.network.latent(n, generator=generator)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images of z within ±ψ."""
        images: Tensor = self.network(narrowed(z, self.psi), labels)
        return images


class StyleTowardMean(Generator):
    """StyleGAN's truncation: w ↦ w̄ + ψ (w − w̄), where w̄ is the mean of w over latents.

    If the generator is conditional, w̄ is the mean for the class of the sample, so that a class stays what it is; one
    mean for all would lead to a mixture of classes.

    Source: Karras et al. 2019, arXiv:1812.04948, appendix B.
    """

    def __init__(self, network: Generator, psi: float) -> None:
        super().__init__()
        self.network: Any = network
        self.psi = psi
        self._means: dict[int | None, Tensor] = {}

    def latent(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Latents as they are."""
        latents: Tensor = self.network.latent(n, generator=generator)
        return latents

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Styles w, moved toward their mean."""
        w: Tensor = self.network.mapping(z, labels)
        classes = [None] * len(z) if labels is None else labels.tolist()
        mean = torch.stack([self._mean(one, z.device) for one in classes])
        return mean + self.psi * (w - mean)

    def synthesis(self, w: Tensor) -> Tensor:
        """Images of styles."""
        images: Tensor = self.network.synthesis(w)
        return images

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images of styles that were moved toward their mean."""
        return self.synthesis(self.mapping(z, labels))

    def _mean(self, of: int | None, device: torch.device) -> Tensor:
        """The mean of w over latents of one class: a function of the network alone."""
        if of not in self._means:
            z = self.latent(LOOKED_AT, generator=generator_for(0, "truncation")).to(device)
            labels = None if of is None else torch.full((LOOKED_AT,), of, device=device)
            self._means[of] = self.network.mapping(z, labels).mean(0)
        return self._means[of]


def truncated(network: Generator, psi: float) -> tuple[Generator, str]:
    """The generator with truncation ψ, and what that means for it: by its style, or else by its latents.

    Raises:
        ConfigError: ψ is out of range, or the latents are not normal.
    """
    if has_style(network):
        _demand(0 <= psi <= 1, psi, allowed="0 (the mean style alone) to 1 (no truncation)", hint="--truncation 0.7")
        means = "styles are moved toward their mean, w̄ + ψ (w − w̄) (StyleGAN, arXiv:1812.04948)"
        return StyleTowardMean(network, psi), means
    if not has_normal_latents(network):
        raise ConfigError(
            "truncation needs normal latents or a style, and the latents of this generator are not normal",
            given=type(network).__name__,
            allowed="a generator that draws z from N(0, I), or one with the tag provides_style",
            hint="leave out the truncation",
        )
    _demand(0 < psi < math.inf, psi, allowed="a number above 0; the less, the less varied", hint="--truncation 0.5")
    return NarrowLatents(network, psi), "latents are normal within ±ψ (BigGAN's truncation trick, arXiv:1809.11096)"


def _demand(holds: bool, psi: float, *, allowed: str, hint: str) -> None:
    if not holds:
        raise ConfigError("the truncation is out of range for this generator", given=psi, allowed=allowed, hint=hint)


def has_style(network: nn.Module) -> bool:
    """Whether there are ``mapping`` and ``synthesis``, the halves of ``forward``: the tag ``provides_style``."""
    return callable(getattr(network, "mapping", None)) and callable(getattr(network, "synthesis", None))


def has_normal_latents(network: Generator) -> bool:
    """Whether latents look as if drawn from N(0, I): 4,096 are looked at, since generators do not state their law.

    Their numbers are compared with the normal distribution function. Squared lengths must vary as independent numbers
    make them vary, 2 per number: those of latents on a sphere do not.
    """
    z = network.latent(LOOKED_AT, generator=generator_for(0, "law of latents")).double().flatten(1)
    numbers = z.flatten().sort().values
    steps = torch.arange(1, len(numbers) + 1, dtype=torch.float64) / len(numbers)
    distance = (torch.special.ndtr(numbers) - steps).abs().max()
    spread = z.square().sum(1).var() / (2 * z.shape[1])
    return bool(distance < max(LARGEST_DISTANCE, 2 / math.sqrt(len(numbers))) and 0.5 < spread < 2)


def narrowed(z: Tensor, psi: float) -> Tensor:
    """Normal numbers as numbers of the normal law within ±ψ, in the same order; the formula of :class:`NarrowLatents`.

    Computed in float64 on the CPU, where no device lacks it.
    """
    half = math.sqrt(2)
    share = torch.erf(z.double().cpu() / half) * math.erf(psi / half)
    within = torch.erfinv(share) * half
    return within.clamp(-psi, psi).to(z)
