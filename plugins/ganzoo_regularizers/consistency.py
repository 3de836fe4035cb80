"""Consistency regularization: CR, bCR, zCR and ICR."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Self

import torch
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer
from ganzoo_regularizers import flip_and_shift
from ganzoo_regularizers.generator_at_hand import latents_of

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec, DiscriminatorOutput, StepView

SMALLEST_DRAW = 2.0**-54
"""Half the step of the uniform draws, which are multiples of 2⁻⁵³: zero would become an infinite normal number."""


class Consistency(RegularizerOptions, Regularizer):
    """Makes the discriminator judge two views of the same image or latent alike.

    Formula:
        real:   D: λ_r·E(D(x) − D(T x))²
        fake:   D: λ_f·E(D(G(z)) − D(T G(z)))²
        latent: D: λ_d·E(D(G(z)) − D(G(z + Δ)))²,  G: −λ_g·E(G(z) − G(z + Δ))²,  Δ ~ N(0, ε²) per element
        cr = real; bcr = real + fake; zcr = latent; icr = real + fake + latent

    E are means over logits, patches included, and over pixels in G's term; of several maps, each is averaged separately
    and the terms are summed. T is a horizontal flip with probability ½ and a shift by whole pixels of up to ⅛ of each
    side, reflected at the borders, drawn anew for each image. Both views carry gradient; in D's step the images do not.
    G's term is subtracted: it rewards images that are far apart for latents that are close. The terms contain their λ;
    ``weight`` multiplies all of them. D's terms are 0 for a constant discriminator.

    Where implementations differ: the adversarial term sees x and G(z), never T x, which would teach G the transforms.
    Both views are judged by the critic that penalties use, in one precision and without the run's augmentation, at the
    cost of one more pass than if D(x) were reused. The weights of bCR and zCR are StudioGAN's for CIFAR-10; StudioGAN
    also compares class logits, which are not used here.

    Raises:
        ConfigError: if the data are vectors, which cannot be flipped or shifted (``zcr`` works on them), or if the
            batches of real and fake differ in size.

    Source: Zhang et al. 2020, arXiv:1910.12027, section 2; Zhao et al. 2021, arXiv:2002.04724, section 2.
    """

    variant: Literal["cr", "bcr", "zcr", "icr"] = Field(
        default="bcr", description="what is compared: cr real images, bcr real and fake, zcr latents, icr all three"
    )
    real_weight: float = Field(default=10.0, ge=0, description="λ_r, for two views of real images")
    fake_weight: float = Field(default=10.0, ge=0, description="λ_f, for two views of fakes")
    discriminator_latent_weight: float = Field(
        default=20.0, ge=0, description="λ_d, for close latents in the discriminator's objective"
    )
    generator_latent_weight: float = Field(
        default=0.5, ge=0, description="λ_g, for close latents, subtracted from the generator's objective"
    )
    noise: float = Field(default=0.05, gt=0, description="ε, the standard deviation of the noise between close latents")

    def tags(self) -> frozenset[str]:
        """Vectors cannot be flipped or shifted, so only zcr works on them; latents are the generator's."""
        of_images = frozenset() if self.variant == "zcr" else frozenset({"needs_images"})
        return of_images | (frozenset({"needs_generator"}) if self.variant in ("zcr", "icr") else frozenset())

    def build(self, spec: DataSpec) -> Self:
        """Returns itself. Raises ``ConfigError`` if the data are vectors, unless the variant is ``zcr``."""
        if len(spec.shape) != 3 and self.variant != "zcr":
            raise ConfigError(
                f"regularizer consistency ({self.variant}) flips and shifts images, but the data are none",
                given=f"shape {spec.shape}",
                allowed="shapes (C, H, W), or the variant zcr",
                hint="--set regularizers.consistency.variant=zcr",
            )
        return self

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The terms ``consistency_real``, ``consistency_fake`` and ``consistency_latent`` of the variant."""
        of_real, of_fake, of_latent = self._draw(view)
        terms = {}
        judged = None if self.variant == "cr" else view.plain_critic(view.fake, view.fake_labels)
        if self.variant != "zcr":
            real = view.real.detach()
            other = flip_and_shift.flipped_and_shifted(real, of_real)
            both = (view.plain_critic(images, view.real_labels) for images in (real, other))
            distance = squared_distance(*both)
            terms["consistency_real"] = self.real_weight * distance
        if judged is not None and self.variant in ("bcr", "icr"):
            other = flip_and_shift.flipped_and_shifted(view.fake, of_fake)
            distance = squared_distance(judged, view.plain_critic(other, view.fake_labels))
            terms["consistency_fake"] = self.fake_weight * distance
        if judged is not None and of_latent is not None:
            z, generate = latents_of(view, name="consistency")
            with torch.no_grad():
                other = generate(z + of_latent, view.fake_labels)
            distance = squared_distance(judged, view.plain_critic(other, view.fake_labels))
            terms["consistency_latent"] = self.discriminator_latent_weight * distance
        return terms

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The term ``consistency_latent``, negative, of the variants zcr and icr."""
        _, _, of_latent = self._draw(view)
        if of_latent is None:
            return {}
        z, generate = latents_of(view, name="consistency")
        other = generate(z + of_latent, view.fake_labels)
        return {"consistency_latent": -self.generator_latent_weight * (view.fake - other).square().mean()}

    def _draw(self, view: StepView) -> tuple[Tensor, Tensor, Tensor | None]:
        """Draws for T of real and of fake, and Δ.

        One row per image, in order, and normal numbers made from uniform ones, so that a generator carried from one
        micro-batch to the next draws what it would have drawn for the whole batch.
        """
        n, count = len(view.fake), flip_and_shift.DRAWS
        if len(view.real) != n:
            raise ConfigError(
                "regularizer consistency draws for real and fake images row by row, but their batches differ in size",
                given=f"{len(view.real)} real, {n} fake",
                allowed="equal sizes",
                hint="draw as many fakes as there are real images",
            )
        z = latents_of(view, name="consistency")[0] if self.variant in ("zcr", "icr") else None
        latent = 0 if z is None else z[0].numel()
        draws = torch.rand(n, 2 * count + latent, generator=view.random, dtype=torch.float64)
        of_real, of_fake = draws[:, :count], draws[:, count : 2 * count]
        if z is None:
            return of_real, of_fake, None
        normal = math.sqrt(2) * torch.erfinv(2 * draws[:, 2 * count :].clamp(min=SMALLEST_DRAW) - 1)
        return of_real, of_fake, (self.noise * normal).view(z.shape).to(z, non_blocking=True)


def squared_distance(one: DiscriminatorOutput, other: DiscriminatorOutput) -> Tensor:
    """Mean squared difference of the logits of each map, summed over the maps."""
    pairs = zip(one.maps(), other.maps(), strict=True)
    return torch.stack([(a - b).square().mean() for a, b in pairs]).sum()
