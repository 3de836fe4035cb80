"""Critics that drop into anyone's loop: what they add to a generator's loss, and their own steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.seeds import derive
from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.attached import attached
from ganzoo.training.balance import Balance, NoBalance, Own
from ganzoo.training.game import Terms
from ganzoo.training.image_pool import ImagePool
from ganzoo.training.own_networks import Judged, alone
from ganzoo.training.processes import rank, share_gradients, share_weights
from ganzoo.training.timing import Timing
from ganzoo.training.without_trace import buffers_kept

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Part = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class AdversarialTerms:
    """What critics add to a generator's loss.

    Attributes:
        total: to be added to your own loss; its gradient reaches the fakes and what made them, nothing else.
        weighted: ``CRITIC/TERM`` → its share of ``total``, detached: they add up to it.
        weights: the same names → what the raw value was multiplied by.
        balance: the factor of the balance, 1 without one.
        gradient_norm: 2-norm of the gradient of ``total`` at the fakes.
    """

    total: Tensor
    weighted: Mapping[str, Tensor] = field(default_factory=dict)
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    balance: Tensor
    gradient_norm: Tensor

    def raw(self) -> dict[str, Tensor]:
        """The terms without their weights; one whose weight is 0 is not there."""
        return {name: value / self.weights[name] for name, value in self.weighted.items() if self.weights[name] != 0}


@dataclass(frozen=True, kw_only=True)
class CriticSettings:
    """How the critics of an :class:`Adversary` are trained.

    Attributes:
        weight: of everything that is added to the generator's loss.
        critic_weights: critic → weight of its terms on both sides.
        clip_grad_norm: largest 2-norm of each critic's gradient.
        precision: ``fp32`` computes critics outside any autocast; ``autocast`` follows that around the call.
    """

    weight: float = 1.0
    critic_weights: Mapping[str, float] = field(default_factory=dict)
    clip_grad_norm: float | None = None
    precision: Literal["fp32", "autocast"] = "fp32"


class Critics(nn.Module):
    """Critics with all that trains them; :class:`ganzoo.Adversary` makes one from names.

    Args:
        steps: critic → its step on given fakes, which holds it.
        optimizer: makes the optimizer of all critics from their parameters.
        timing: when critics learn and the generator hears of them.
        settings: weights and precision.
        balance: how strong the adversarial gradient is beside that of the generator's own loss.
        pool: fakes of earlier steps for the critics.
    """

    def __init__(
        self,
        steps: Mapping[str, AdversarialStep],
        *,
        optimizer: MakeOptimizer,
        timing: Timing,
        settings: CriticSettings,
        balance: Balance | None = None,
        pool: ImagePool | None = None,
    ) -> None:
        super().__init__()
        self._steps = dict(steps)
        # Not through a wrapper that gathers gradients: in the generator's step none of the critics' is computed.
        self._generator_steps = {name: _for_generator(step) for name, step in steps.items()}
        self.discriminators = nn.ModuleDict({name: step.objective.discriminator for name, step in steps.items()})
        self.timing, self.settings = timing, settings
        self._balance: Balance = balance or NoBalance()
        self._pool = pool or ImagePool(0, seed=0)
        # Frozen when it comes is frozen for good: a backbone that only provides features.
        self._trained = [parameter for parameter in self.discriminators.parameters() if parameter.requires_grad]
        self.optimizer = optimizer(self._trained)
        self._counts = {"step": 0, "update": 0, "generator_step": 0, "generator_update": 0}
        self._open: list[dict[str, Terms]] = []

    # What the generator hears.

    def generator_loss(
        self,
        fake: Tensor,
        *,
        real: Tensor | None = None,
        condition: Tensor | None = None,
        real_labels: Tensor | None = None,
        fake_labels: Tensor | None = None,
        reference: Tensor | None = None,
        last_layer: Tensor | None = None,
        part: Part = (0, 1),
    ) -> AdversarialTerms:
        """What to add to the generator's own loss: ``(rec + adversary.generator_loss(y, real=x).total).backward()``.

        Critics get no gradient, their ``requires_grad`` is as before, and no statistic of theirs moves.

        Args:
            fake: (N, …) as the generator gave it, with its graph.
            real: the real data of this step, where a loss compares with them, or features are matched.
            condition: (N, C', …), concatenated to the channels of both.
            real_labels: (N,) int64, for critics that take labels.
            fake_labels: likewise.
            reference: your own loss, for a balance that compares with it.
            last_layer: the weight at which ``last-layer`` compares.
            part: (index, of) with gradients accumulated over ``of`` calls; divide ``total`` as your own loss.

        Raises:
            ConfigError: something is missing that a part needs, or does not fit.
        """
        push = self.timing.push(self._counts["generator_step"])
        index, of = part
        if push == 0.0:
            terms = _silence(fake)
        else:
            terms = self._push(
                fake,
                real,
                condition,
                (real_labels, fake_labels),
                Own(fake=fake, reference=reference, last_layer=last_layer),
                push,
                part,
            )
        if index == of - 1:
            self._counts["generator_step"] += 1
            self._counts["generator_update"] += push > 0.0
        return terms

    def _push(
        self,
        fake: Tensor,
        real: Tensor | None,
        condition: Tensor | None,
        labels: tuple[Tensor | None, Tensor | None],
        own: Own,
        push: float,
        part: Part,
    ) -> AdversarialTerms:
        weighted: dict[str, Tensor] = {}
        with torch.enable_grad(), self._precision(fake):
            leaf = fake.detach().to(torch.float32 if self._full(fake) else fake.dtype).requires_grad_()
            shown = _with_condition(leaf, condition)
            compared = _with_condition(self._compared(real, leaf), condition)
            with buffers_kept(self.discriminators):
                for name, step in self._generator_steps.items():
                    terms = step.generator_terms(
                        real=compared,
                        fake=shown,
                        update=self._counts["generator_update"],
                        real_labels=labels[0],
                        fake_labels=labels[1],
                        part=part,
                    )
                    weight = self.settings.critic_weights.get(name, 1.0)
                    weighted |= {f"{name}/{term}": weight * value for term, value in terms.scalars.items()}
                raw = torch.stack(list(weighted.values())).sum()
                (gradient,) = torch.autograd.grad(raw, leaf)
        balance = self._balance.factor(gradient, own).detach()
        factor = balance * (self.settings.weight * push)
        gradient = gradient * factor
        return AdversarialTerms(
            total=attached(fake, raw * factor, gradient.to(fake.dtype)),
            weighted={name: value.detach() * factor for name, value in weighted.items()},
            weights={name: factor * self._weight(name) for name in weighted},
            balance=balance,
            gradient_norm=gradient.float().norm(),
        )

    def _weight(self, name: str) -> float:
        """What a term is multiplied by besides the factor of them all."""
        critic, _, term = name.partition("/")
        weight = self.settings.critic_weights.get(critic, 1.0)
        for part in self._steps[critic].objective.regularizers:
            if term == part.name.replace("-", "_") or term.startswith(f"{part.name.replace('-', '_')}_"):
                return weight * part.weight * part.every
        return weight

    def _compared(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """The real side; where nothing looks at it, fakes stand in for its shape."""
        needing = [
            name
            for name, step in self._steps.items()
            if step.objective.generator_needs_real or step.objective.needs_real_output
        ]
        if real is None and needing:
            raise ConfigError(
                f"critic {needing[0]} compares fakes with real data in the generator's step, and there are none",
                given="real=None",
                allowed="the real data of this step",
                hint="generator_loss(fake, real=x)",
            )
        return fake.detach() if real is None else real.detach().to(fake.dtype)

    # The critics' own step.

    def update(
        self,
        *,
        fake: Tensor,
        real: Tensor,
        condition: Tensor | None = None,
        real_labels: Tensor | None = None,
        fake_labels: Tensor | None = None,
        part: Part = (0, 1),
        observe: bool = True,
    ) -> dict[str, Tensor]:
        """Step the critics on real and fake data; ``fake`` is detached, so that the generator gets no gradient.

        Before its start nothing moves: no optimizer state, average, statistic or draw.

        Args:
            fake: (N, …), attached to a graph or not.
            real: (N, …).
            condition: (N, C', …), concatenated to the channels of both.
            real_labels: (N,) int64, for critics that take labels.
            fake_labels: likewise.
            part: (index, of) with the batch in ``of`` equal parts; the optimizer steps at the last.
            observe: mean logits and accuracies as well.

        Returns:
            ``CRITIC/TERM`` → detached value; nothing is read from the device. Empty in a step without an update.

        Raises:
            ConfigError: something does not fit.
        """
        index, of = part
        acts = self.timing.updates(self._counts["step"])
        logs = {}
        if acts:
            logs = self._learn(fake.detach(), real.detach(), condition, (real_labels, fake_labels), part, observe)
        if index == of - 1:
            self._counts["step"] += 1
            self._counts["update"] += acts
        return logs

    def _learn(
        self,
        fake: Tensor,
        real: Tensor,
        condition: Tensor | None,
        labels: tuple[Tensor | None, Tensor | None],
        part: Part,
        observe: bool,
    ) -> dict[str, Tensor]:
        index, of = part
        if index == 0 and self._counts["update"] == 0:
            share_weights(self.discriminators)
        if index == 0:
            self.optimizer.zero_grad(set_to_none=True)
            self._open = []
        found: dict[str, Terms] = {}
        with torch.enable_grad(), self._precision(fake):
            dtype = torch.float32 if self._full(fake) else fake.dtype
            shown = self._pool.exchange(
                _with_condition(fake.to(dtype), condition), update=self._counts["update"] * of + index
            )
            compared = _with_condition(real.to(dtype), condition)
            for name, step in self._steps.items():
                found[name] = step.discriminator_terms(
                    real=compared,
                    fake=shown,
                    update=self._counts["update"],
                    real_labels=labels[0],
                    fake_labels=labels[1],
                    part=part,
                    observe=observe,
                )
            weights = self.settings.critic_weights
            total = torch.stack([weights.get(name, 1.0) * terms.total() for name, terms in found.items()]).sum() / of
        torch.autograd.backward(total)
        self._open.append(found)
        logs = _logs(found)
        if index == of - 1:
            logs |= self._step()
        return logs

    def _step(self) -> dict[str, Tensor]:
        share_gradients(self._trained)
        norms = {}
        if self.settings.clip_grad_norm is not None:
            for name, critic in self.discriminators.items():
                trained = [parameter for parameter in critic.parameters() if parameter.requires_grad]
                norms[f"{name}/grad_norm"] = nn.utils.clip_grad_norm_(trained, self.settings.clip_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        logs = dict(norms)
        for name, step in self._steps.items():
            adapted = step.after_update("discriminator", *(terms[name] for terms in self._open))
            logs |= {f"{name}/{key}": value for key, value in adapted.items()}
        self._open = []
        return logs

    # State.

    def get_extra_state(self) -> dict[str, Any]:
        """All that changes besides the critics' weights; ``state_dict`` has it under ``_extra_state``."""
        return {
            "counts": dict(self._counts),
            "optimizer": self.optimizer.state_dict(),
            "parts": {name: step.state_dict() for name, step in self._steps.items()},
            "balance": self._balance.state_dict(),
            "pool": self._pool.state_dict(),
        }

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore :meth:`get_extra_state`.

        Raises:
            CheckpointError: it is the state of other critics or parts.
        """
        try:
            self.optimizer.load_state_dict(state["optimizer"])
            for name, step in self._steps.items():
                step.load_state_dict(state["parts"][name])
            self._balance.load_state_dict(state["balance"])
            self._pool.load_state_dict(state["pool"])
            self._counts = dict(state["counts"])
        except (KeyError, ValueError, RuntimeError) as error:
            raise CheckpointError(
                "the state does not match these critics",
                given=str(error).splitlines()[0],
                allowed="the state of an Adversary with the same critics, loss, regularizers, balance and optimizer",
                hint="load_state_dict(state, critics_only=True) takes the critics' weights alone",
            ) from error

    def state_dict(self, *args: Any, **keywords: Any) -> dict[str, Any]:  # type: ignore[override]
        """Critics, optimizer, parts, balance, pool and counters; what is frozen in a critic is not in it."""
        state: dict[str, Any] = super().state_dict(*args, **keywords)
        prefix = keywords.get("prefix", args[1] if len(args) > 1 else "")
        for name in self._frozen_names():
            state.pop(f"{prefix}{name}", None)
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False, *, critics_only: bool = False
    ) -> Any:
        """Restore :meth:`state_dict`; with ``critics_only`` the critics' weights alone, to fine-tune them.

        Raises:
            CheckpointError: it is the state of other critics.
        """
        given = {name: value for name, value in state_dict.items() if not (critics_only and name == "_extra_state")}
        own = super().state_dict()
        given |= {name: own[name] for name in self._frozen_names() if name in own}
        if critics_only:
            given["_extra_state"] = self.get_extra_state()
        try:
            return super().load_state_dict(given, strict=strict, assign=assign)
        except RuntimeError as error:
            raise CheckpointError(
                "the state does not match these critics",
                given=str(error).splitlines()[-1].strip(),
                allowed="the state of an Adversary with the same critics",
            ) from error

    def _frozen_names(self) -> list[str]:
        """Parameters that were frozen when they came, and buffers of modules that hold nothing else."""
        trained = {id(parameter) for parameter in self._trained}
        frozen = [name for name, parameter in self.named_parameters() if id(parameter) not in trained]
        for path, module in self.named_modules():
            parameters = list(module.parameters())
            if parameters and not any(id(parameter) in trained for parameter in parameters):
                frozen += [f"{path}.{name}" for name, _ in module.named_buffers()]
        return list(dict.fromkeys(frozen))

    # Precision.

    def _full(self, data: Tensor) -> bool:
        return self.settings.precision == "fp32" and data.dtype in (torch.float16, torch.bfloat16)

    def _precision(self, data: Tensor) -> AbstractContextManager[Any]:
        if self.settings.precision == "autocast":
            return nullcontext()
        return torch.autocast(data.device.type, enabled=False)


def _for_generator(step: AdversarialStep) -> AdversarialStep:
    judged = Judged(alone(step.objective.discriminator))
    return replace(step, objective=replace(step.objective, discriminate=judged))


def _silence(fake: Tensor) -> AdversarialTerms:
    """An exact 0 that can be added and back-propagates zeros, so that processes which wait for gradients get some."""
    zero = torch.zeros((), device=fake.device)
    return AdversarialTerms(
        total=attached(fake, zero, torch.zeros_like(fake)), balance=torch.ones_like(zero), gradient_norm=zero
    )


def _with_condition(data: Tensor, condition: Tensor | None) -> Tensor:
    if condition is None:
        return data
    if condition.shape[:1] != data.shape[:1] or condition.shape[2:] != data.shape[2:]:
        raise ConfigError(
            "a condition is concatenated to the channels, so it must be like the data in all else",
            given=f"data {tuple(data.shape)}, condition {tuple(condition.shape)}",
            allowed="(N, C', …) with the N and the size of the data",
            hint="resize the condition first, for instance with torch.nn.functional.interpolate",
        )
    return torch.cat([data, condition.detach().to(data.dtype)], dim=1)


def _logs(found: Mapping[str, Terms]) -> dict[str, Tensor]:
    logs: dict[str, Tensor] = {}
    for name, terms in found.items():
        logs |= {f"{name}/{term}": value.detach() for term, value in terms.scalars.items()}
        logs |= {f"{name}/{key}": value.detach() for key, value in terms.observed.items()}
    return logs


def seed_of(seed: int, critic: str) -> int:
    """The seed of a critic's draws: each has draws of its own, in every process."""
    return derive(seed, "adversary", critic, rank())
