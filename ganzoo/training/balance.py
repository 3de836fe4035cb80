"""How strong the adversarial gradient is beside that of the generator's own loss.

Every rule turns the gradient of the adversarial terms at the fakes into a factor for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.training.game import times


@dataclass(frozen=True, kw_only=True)
class Own:
    """The user's side of a step.

    Attributes:
        fake: as the user's network gave it, with its graph.
        reference: the user's own loss, a scalar that depends on ``fake``.
        last_layer: the weight that λ is measured at.
    """

    fake: Tensor
    reference: Tensor | None = None
    last_layer: Tensor | None = None


class Balance(Protocol):
    """A rule."""

    def factor(self, gradient: Tensor, own: Own) -> Tensor:
        """What the adversarial gradient at the fakes, of the shape of ``own.fake``, is multiplied by."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """What changes."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        ...


class Stateless:
    """A rule that remembers nothing."""

    def state_dict(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Nothing."""


@dataclass(frozen=True)
class NoBalance(Stateless):
    """The adversarial gradient as it is."""

    def factor(self, gradient: Tensor, own: Own) -> Tensor:
        """1."""
        return torch.ones((), device=gradient.device, dtype=gradient.dtype)


@dataclass(frozen=True, kw_only=True)
class LastLayer(Stateless):
    """VQGAN's adaptive weight: gradients at the weight W of the last layer.

    Formula:
        λ = clamp(‖∂ reference / ∂W‖₂ / (‖∂ adversarial / ∂W‖₂ + ε), 0, largest)

    Both gradients go from the fakes to W alone, by the part of the network behind W: no second backward pass through
    the network, and none through the critic. λ is a number, no gradient flows through it. How ``reference`` is reduced
    decides λ: a sum over pixels makes it larger by their number, and may put it at ``largest``.

    Where implementations differ: the paper's λ multiplies all of the adversarial objective, its code and this the
    generator's part alone. ε is 1e-4 in VQGAN's code and 1e-6 in RAE's.

    Source: Esser, Rombach & Ommer 2021, arXiv:2012.09841, equation 7.
    """

    epsilon: float = 1e-4
    largest: float = 1e4

    def factor(self, gradient: Tensor, own: Own) -> Tensor:
        """λ."""
        if own.reference is None or own.last_layer is None:
            raise ConfigError(
                "balance last-layer compares the adversarial gradient with that of your own loss at a weight",
                given="reference=None" if own.reference is None else "last_layer=None",
                allowed="both, with a graph that leads from reference to the fakes and from them to last_layer",
                hint="generator_loss(fake, reference=rec_loss, last_layer=decoder.conv_out.weight)",
            )
        if not isinstance(own.last_layer, Tensor):
            raise ConfigError(
                "last_layer is not the weight of a layer, at which balance last-layer compares gradients",
                given=f"last_layer={type(own.last_layer).__name__}(…)",
                allowed="a parameter that fake is made with",
                hint="last_layer=decoder.conv_out.weight",
            )
        there = self._norm(own, _of_reference(own))
        here = self._norm(own, gradient)
        return (there / (here + self.epsilon)).clamp(0.0, self.largest)

    def _norm(self, own: Own, gradient: Tensor) -> Tensor:
        assert own.last_layer is not None
        scale: Tensor | float = 1.0
        if own.fake.dtype == torch.float16:
            # Of a mean over pixels it is 0 in it, and a sum over as many that are 1 is infinite: so between them.
            largest = wide(gradient.abs().max()).clamp(min=torch.finfo(torch.float32).tiny)
            scale = largest * gradient.numel() ** 0.5
            gradient = wide(gradient) / scale
        outside = gradient.to(own.fake.dtype)
        (found,) = _gradient(own.fake, own.last_layer, "fake does not depend on last_layer", outside)
        return norm_of(found) * scale


class GradientNormalization:
    """The adversarial gradient at the fakes, divided by the root of a running mean of its square.

    Formula:
        v ← β v + (1 − β) · numel · Σ g²        factor = 1 / (√v̂ + ε)

    ``g`` is the gradient at the fakes and numel the number of its elements, so that the result is of the size of the
    gradient of a mean over elements, whatever the critic. v̂ is v, corrected for its start at 0 as in Adam.

    Source: Lin et al. 2025, arXiv:2511.22475; β 0.9, ε 1e-8. Where implementations differ: the authors' code begins
    with the first value and corrects nothing; in the first steps the two differ.
    """

    def __init__(self, *, decay: float = 0.9, epsilon: float = 1e-8) -> None:
        self._decay, self._epsilon = decay, epsilon
        self._square = torch.zeros(())
        self._steps = 0

    def factor(self, gradient: Tensor, own: Own) -> Tensor:
        """1 over the root mean square."""
        square = wide(gradient.detach()).square().sum() * gradient.numel()
        self._square = self._square.to(square)
        square = torch.where(square.isfinite(), square, self._mean())
        self._steps += 1
        self._square = self._square * self._decay + (1 - self._decay) * square
        return 1 / (self._mean().sqrt() + self._epsilon)

    def _mean(self) -> Tensor:
        """The corrected one. It stands for a batch that is not finite, which would stay in it for ever."""
        return self._square / (1 - self._decay**self._steps) if self._steps else self._square

    def state_dict(self) -> dict[str, Tensor]:
        """V and how often it moved."""
        return {"square": self._square, "steps": torch.tensor(self._steps)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        self._square, self._steps = state["square"].clone(), int(state["steps"])


class Balancer:
    """EnCodec's balancer: gradients at the fakes are of fixed proportion, whatever the scale of the losses.

    Formula:
        ⟨n⟩ = Σ_t β^(T−t) n_t / Σ_t β^(T−t)        factor = ⟨‖∂ reference / ∂x̂‖⟩ / (⟨‖g‖⟩ + ε)

    ``g`` is the adversarial gradient at the fakes x̂. With the factor, and ``weight`` w beside a reference of weight 1,
    the adversarial gradient has w times the norm of the reference's, on average.

    Where implementations differ: EnCodec rescales all losses to a fixed total; here your own loss keeps its scale and
    the adversarial one follows, so that it can be added to a loop as it stands. The proportions are the same.

    Source: Défossez et al. 2022, arXiv:2210.13438, equation 4; β 0.999, ε 1e-12.
    """

    def __init__(self, *, decay: float = 0.999, epsilon: float = 1e-12) -> None:
        self._decay, self._epsilon = decay, epsilon
        self._norms = torch.zeros(2)
        self._share = 0.0

    def factor(self, gradient: Tensor, own: Own) -> Tensor:
        """The ratio of the averages."""
        if own.reference is None:
            raise ConfigError(
                "balance balancer compares the adversarial gradient with that of your own loss at the fakes",
                given="reference=None",
                allowed="a scalar that depends on fake",
                hint="generator_loss(fake, reference=rec_loss)",
            )
        norms = torch.stack([_of_reference(own).norm(), wide(gradient.detach()).norm()])
        self._norms = self._norms.to(norms)
        norms = torch.where(norms.isfinite().all(), norms, self._averages())
        self._share = self._decay * self._share + 1
        self._norms = self._norms * self._decay + norms
        average = self._averages()
        return average[0] / (average[1] + self._epsilon)

    def _averages(self) -> Tensor:
        """They stand for a batch that is not finite, which would stay in them for ever."""
        return self._norms / self._share if self._share else self._norms

    def state_dict(self) -> dict[str, Tensor]:
        """The sums behind both averages."""
        return {"norms": self._norms, "share": torch.tensor(self._share, dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        self._norms, self._share = state["norms"].clone(), float(state["share"])


HALF_SCALE = 1024.0
"""What the gradient of a loss is multiplied by while it is float16: means do not vanish, and sums do not overflow."""


def _of_reference(own: Own) -> Tensor:
    """The gradient of the user's own loss at the fakes."""
    if not isinstance(own.reference, Tensor) or own.reference.ndim > 0:
        what = f"a tensor of shape {tuple(own.reference.shape)}" if isinstance(own.reference, Tensor) else own.reference
        raise ConfigError(
            "reference is not a scalar, and how it is reduced decides the balance",
            given=f"reference is {what}",
            allowed="your own loss as a tensor without axes, with its graph",
            hint="reference=(fake - real).abs().mean()",
        )
    scale = HALF_SCALE if own.fake.dtype == torch.float16 else 1.0
    outside = None if scale == 1.0 else torch.full_like(own.reference, scale)
    (found,) = _gradient(own.reference, own.fake, "reference does not depend on fake", outside)
    return times(1 / scale, wide(found))


def wide(tensor: Tensor) -> Tensor:
    """In float32, or in float64 if it came so."""
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.to(torch.float32)


def norm_of(gradient: Tensor) -> Tensor:
    """Its 2-norm, at least in float32."""
    norm: Tensor = torch.linalg.vector_norm(wide(gradient))
    return norm


GAVE_AWAY = "donated buffers"
INDEPENDENT = ("not have been used in the graph", "does not require grad")
"""How torch 2.13 says that a gradient cannot be asked for: compiled code keeps nothing, or there is no path."""


def gave_away(who: str, *, asked: str, given: str) -> ConfigError:
    """The error for compiled code, which keeps nothing for a second backward pass.

    Args:
        who: was compiled.
        asked: what needs a second pass.
        given: how it was asked for.
    """
    return ConfigError(
        f"{who} gives its memory away in its first backward pass, and {asked} needs a second one",
        given=given,
        allowed="a module that is not compiled, or that keeps its memory",
        hint="torch._functorch.config.donated_buffer = False before it is first called",
    )


def _gradient(value: Tensor, at: Tensor, fault: str, outside: Tensor | None = None) -> tuple[Tensor]:
    """The gradient of a value at a tensor; the graph is kept for the user's own backward pass."""
    try:
        (found,) = torch.autograd.grad(value, at, grad_outputs=outside, retain_graph=True)
    except RuntimeError as error:
        if "a second time" in str(error):
            raise ConfigError(
                "the adversarial weight cannot be measured: backward was called already, which frees the graph",
                given=str(error).split(" (")[0],
                allowed="generator_loss before backward, which is called once, on the sum of both losses",
                hint="adv = adversary.generator_loss(fake, reference=rec, …), then (rec + adv.total).backward()",
            ) from error
        if GAVE_AWAY in str(error):
            raise gave_away(
                "a compiled network", asked="a balance", given="balance, with a compiled network"
            ) from error
        if not any(words in str(error) for words in INDEPENDENT):
            raise
        raise ConfigError(
            f"the adversarial weight cannot be measured: {fault}",
            given=str(error).splitlines()[0],
            allowed="tensors of one graph: reference made from fake, and fake made with last_layer",
            hint="do not detach them, and do not use torch.no_grad around them; of a layer with weight_norm or "
            "spectral_norm take what its weight is made of, last_layer=conv.parametrizations.weight.original0",
        ) from error
    return (found,)


BALANCES = {
    "none": NoBalance,
    "last-layer": LastLayer,
    "gradient-normalization": GradientNormalization,
    "balancer": Balancer,
}
"""By name."""
