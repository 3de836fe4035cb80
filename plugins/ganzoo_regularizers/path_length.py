"""The path length regularization of StyleGAN2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.critic_gradient import NORM_EPSILON
from ganzoo_regularizers.generator_at_hand import latents_of, network_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from ganzoo.protocols import DataSpec, Player, StepView


class PathLength(RegularizerOptions):
    """Holds the distance that a step of the style moves the image near its running mean, in the generator's step.

    Formula:
        G: λ·Eᵢ(ℓᵢ − a)²,  ℓᵢ = ‖J_wᵀ·yᵢ‖₂/√(H·W),  J_w = ∂g(wᵢ)/∂w,  yᵢ ~ N(0, I) per pixel and channel
        a ← a + d·(E ℓ − a),  a₀ = 0

    λ is ``weight``, d is ``decay``; g is the generator's ``synthesis``, and w is the output of its ``mapping``, (N, W)
    or (N, layers, W); for the latter, ‖·‖² is the mean over layers. a takes in the current batch before the term is
    computed, carries no gradient, moves once per update in which the term is applied, and is part of checkpoints. The
    gradient continues through w into the mapping. Of each batch, the first N/``shrink`` latents are used, at least one.
    If g is linear, g(w) = A·w, the mean of ℓ² is ‖A‖²_F/(H·W). The term is 0 where ℓ = a. With ``lazy_adam``, G's Adam
    is set to lr·c and β^c, c = k/(k+1).

    Where implementations differ: the paper's γ = ln 2/(r²(ln r − ln 2)) stands before ℓ² without the division; the
    authors' code, as here, uses λ = 2 and divides by r² and, through its mean over layers, by the number of layers. For
    a generator whose w is shared by all layers, (N, W), there is no such mean, and the same λ is stronger by about that
    number. In the authors' code the gradient also passes through a, by a factor d.

    Raises:
        ConfigError: if the generator has no ``mapping`` and ``synthesis``.

    Source: Karras et al. 2020, arXiv:1912.04958, equation 4 and appendix B; the authors' code.
    """

    weight: float = Field(default=2.0, ge=0, description="λ, the factor of the term")
    every: int = Field(default=4, ge=1, description="apply at every k-th update of G, multiplied by k")
    decay: float = Field(default=0.01, gt=0, le=1, description="d, the share of the current batch in the running mean")
    shrink: int = Field(default=2, ge=1, description="use only 1/shrink of the batch, to save memory")
    lazy_adam: bool = Field(
        default=True, description="for every = k > 1, set G's Adam to lr·c and β^c, c = k/(k+1), as StyleGAN2 does"
    )

    def tags(self) -> frozenset[str]:
        """It needs a style and images, and its mean over a micro-batch is not its mean over the batch."""
        return frozenset({"batch_nonlinear", "needs_generator", "needs_images", "needs_style"})

    def optimizer_correction(self) -> dict[Literal["discriminator", "generator"], float]:
        """For G, c = k/(k+1) if ``lazy_adam`` is on and the term is lazy."""
        return {"generator": self.every / (self.every + 1)} if self.lazy_adam and self.every > 1 else {}

    def build(self, spec: DataSpec) -> PathLengthRegularizer:
        """The regularizer with its running mean. Raises ``ConfigError`` if the data are vectors."""
        if len(spec.shape) != 3:
            raise ConfigError(
                "regularizer path-length measures how an image changes with its style, but the data are vectors",
                given=f"shape {spec.shape}",
                allowed="shapes (C, H, W)",
                hint="leave path-length out; --reg none leaves out all regularizers",
            )
        return PathLengthRegularizer(decay=self.decay, shrink=self.shrink)


class PathLengthRegularizer(Regularizer):
    """The term of :class:`PathLength` and the running mean of lengths, a scalar on the device of the images."""

    def __init__(self, *, decay: float, shrink: int) -> None:
        self.decay = decay
        self.shrink = shrink
        self.mean = torch.zeros(())
        self._seen: list[Tensor] = []

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``path_length``."""
        network: Any = network_of(view, name="path-length")
        z, _ = latents_of(view, name="path-length")
        if not (hasattr(network, "mapping") and hasattr(network, "synthesis")):
            raise ConfigError(
                "regularizer path-length needs a generator with a style, but this one has no mapping and synthesis",
                given=type(network).__name__,
                allowed="a generator with the tag provides_style",
                hint="--gen stylegan, or leave path-length out",
            )
        used = max(1, len(z) // self.shrink)
        lengths = path_lengths(
            network,
            z[:used],
            None if view.fake_labels is None else view.fake_labels[:used],
            random=view.random,
        )
        self._seen.append(lengths.detach())
        return {"path_length": (lengths - self._moved(lengths.detach())).square().mean()}

    def after_step(self, player: Player, network: nn.Module) -> None:
        """Move the mean by the lengths of all micro-batches, after a generator's step that had the term."""
        if player == "generator" and self._seen:
            self.mean = self._moved(torch.cat(self._seen))
            self._seen.clear()

    def _moved(self, lengths: Tensor) -> Tensor:
        return self.mean.to(lengths, non_blocking=True).lerp(lengths.mean(), self.decay)

    def state_dict(self) -> dict[str, Tensor]:
        """The running mean."""
        return {"mean": self.mean.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        self.mean = state["mean"].clone()
        self._seen.clear()


def path_lengths(network: Any, z: Tensor, labels: Tensor | None, *, random: torch.Generator) -> Tensor:
    """ℓ of each latent, (N,); differentiable in the generator's parameters."""
    with torch.compiler.set_stance("force_eager"):  # what is compiled cannot be differentiated twice
        w: Tensor = network.mapping(z, labels)
        images: Tensor = network.synthesis(w)
    y = torch.randn(images.shape, generator=random).to(images, non_blocking=True)
    pixels = images.shape[-2] * images.shape[-1]
    (gradient,) = torch.autograd.grad((images * y).sum() / pixels**0.5, w, create_graph=True)
    squared = gradient.square().sum(-1).reshape(len(w), -1).mean(1)
    return (squared + NORM_EPSILON).sqrt()
