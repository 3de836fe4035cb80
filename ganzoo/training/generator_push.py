"""What a generator hears of critics: their terms at its fakes, as one gradient there, balanced and weighted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.adversarial_terms import AdversarialTerms
from ganzoo.training.at_fakes import gradient_at
from ganzoo.training.attached import attached
from ganzoo.training.balance import Balance, Own, wide
from ganzoo.training.borrowed import Borrowed, learnable
from ganzoo.training.critic_settings import CriticSettings
from ganzoo.training.game import sum_of, times
from ganzoo.training.given_data import GivenBatch
from ganzoo.training.misfit import told_of_misfits
from ganzoo.training.own_networks import Judged, alone
from ganzoo.training.own_parts import Part
from ganzoo.training.without_trace import buffers_kept, frozen, without_gradient


class GeneratorPush:
    """The generator's side of critics, which leaves no gradient and no trace in them.

    Args:
        steps: critic → its step on given fakes.
        critics: the critics themselves.
        trained: their parameters that learn.
        settings: weights, precision, and how a batch is arranged.
        balance: how strong the adversarial gradient is beside that of the generator's own loss.
        borrowed: differentiates for chosen tensors, and tells of what critics use and do not hold.
    """

    def __init__(
        self,
        steps: Mapping[str, AdversarialStep],
        critics: nn.ModuleDict,
        trained: Sequence[nn.Parameter],
        settings: CriticSettings,
        balance: Balance,
        borrowed: Borrowed,
    ) -> None:
        # Not through a wrapper that gathers gradients: here none of the critics' is computed.
        self._steps = {name: _without_wrapper(step) for name, step in steps.items()}
        # A look between two parts of a batch has parts of its own.
        self._looking = {name: replace(step) for name, step in self._steps.items()}
        self._critics, self._settings, self._balance = critics, settings, balance
        self._weights = {name: _weights_of_terms(step, settings.of_critic(name)) for name, step in steps.items()}
        self._trained, self._borrowed = trained, borrowed

    def terms(
        self, given: GivenBatch, own: Own, *, share: float, update: int, part: Part, observe: bool
    ) -> AdversarialTerms:
        """The terms at ``given.fake``; ``share`` is that of the ramp, ``update`` counts the generator's updates."""
        looking = not torch.is_grad_enabled()
        with torch.enable_grad(), self._settings.autocast(given.fake):
            leaf = given.fake.detach().to(self._settings.dtype(given.fake, self._trained[0])).requires_grad_()
            # Reentrant checkpoints are differentiated for whatever requires a gradient.
            with buffers_kept(self._critics), frozen(self._critics), without_gradient(learnable(self._steps)):
                steps = self._looking if looking else self._steps
                values = self._values(steps, leaf, given, update=update, part=part)
                self._borrowed.look("generator", list(values.values()))

                def backward(value: Tensor, keep: bool) -> None:
                    self._borrowed.backward("generator", value, [leaf], keep=keep)

                gradient, norms = gradient_at(leaf, values, backward, each=observe)
        values = {name: value.detach() for name, value in values.items()}
        value = sum_of(values.values())
        balance = wide(self._factor(gradient, own, looking=looking).to(value.dtype))
        factor = balance * (self._settings.weight * share)
        return AdversarialTerms(
            total=attached(given.fake, value, gradient, factor=factor),
            balance=balance,
            factor=factor,
            gradient=gradient,
            values=values,
            shares={name: self._weight(name) for name in values},
            norms=norms,
        )

    def forget(self) -> None:
        """Drop an update that was begun in parts."""
        for step in self._steps.values():
            step.begin_anew()

    def _values(
        self, steps: Mapping[str, AdversarialStep], leaf: Tensor, given: GivenBatch, *, update: int, part: Part
    ) -> dict[str, Tensor]:
        """``CRITIC/TERM`` → its value times the weight of its critic."""
        arranged, real_labels = self._settings.arrangement, given.real_labels
        if given.real is None and real_labels is None:
            real_labels = given.fake_labels  # Fakes stand in for real data.
        shown = arranged.side(leaf, given.condition)
        compared = arranged.side(self._compared(given.real, leaf), given.condition)
        values: dict[str, Tensor] = {}
        for name, step in steps.items():
            with told_of_misfits(name, step.objective.discriminator, shown, given):
                terms = step.generator_terms(
                    real=compared,
                    fake=shown,
                    update=update,
                    real_labels=real_labels,
                    fake_labels=given.fake_labels,
                    part=part,
                )
            weight = self._settings.of_critic(name)
            values |= {f"{name}/{term}": times(weight, value) for term, value in terms.scalars.items()}
        return values

    def _factor(self, gradient: Tensor, own: Own, *, looking: bool) -> Tensor:
        """The balance; a look without gradients moves no running mean of it."""
        if not looking:
            return self._balance.factor(gradient, own).detach()
        if own.reference is not None and not own.reference.requires_grad:
            return torch.ones((), device=gradient.device)  # There is nothing to compare.
        kept = self._balance.state_dict()
        found = self._balance.factor(gradient, own).detach()
        self._balance.load_state_dict(kept)
        return found

    def _weight(self, name: str) -> float:
        """What a term is multiplied by besides the factor of them all."""
        critic, _, term = name.partition("/")
        of_parts = self._weights[critic]
        for part, weight in of_parts.items():
            if part and (term == part or term.startswith(f"{part}_")):
                return weight
        return of_parts[""]

    def _compared(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """The real side; where nothing looks at it, fakes stand in for its shape."""
        if real is not None:
            return real.detach().to(fake.dtype)
        for name, step in self._steps.items():
            if step.objective.generator_needs_real or step.objective.needs_real_output:
                raise ConfigError(
                    f"critic {name} compares fakes with real data in the generator's step, and there are none",
                    given="real=None",
                    allowed="the real data of this step",
                    hint="generator_loss(fake, real=x)",
                )
        return fake.detach()


def _without_wrapper(step: AdversarialStep) -> AdversarialStep:
    judged = Judged(alone(step.objective.discriminator))
    return replace(step, objective=replace(step.objective, discriminate=judged, frozen_throughout=True))


def _weights_of_terms(step: AdversarialStep, weight: float) -> dict[str, float]:
    """Regularizer, as its terms begin → weight; the loss under the empty name."""
    parts = {part.name.replace("-", "_"): weight * part.weight * part.every for part in step.objective.regularizers}
    return {**parts, "": weight}
