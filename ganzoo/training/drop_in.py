"""Critics that drop into anyone's loop: what they add to a generator's loss, and their own steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.seeds import derive
from ganzoo.training import spectral
from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.adversarial_terms import AdversarialTerms, silence
from ganzoo.training.all_or_nothing import MISFITS, put_back, put_back_if_it_raises, tensors_of
from ganzoo.training.at_fakes import gradient_at
from ganzoo.training.attached import attached
from ganzoo.training.balance import Balance, NoBalance, Own, wide
from ganzoo.training.critic_logs import CriticLogs
from ganzoo.training.frozen_parts import frozen_modules, frozen_names
from ganzoo.training.game import Terms
from ganzoo.training.given_data import demand_floats, with_condition
from ganzoo.training.image_pool import ImagePool
from ganzoo.training.own_networks import Judged, alone
from ganzoo.training.own_parts import place
from ganzoo.training.part_critic import part_critics
from ganzoo.training.processes import mean_over_processes, rank, share_gradients, share_weights
from ganzoo.training.sharded import demand_whole
from ganzoo.training.shown_batch import ShownBatch
from ganzoo.training.timing import Timing
from ganzoo.training.without_trace import buffers_kept, buffers_kept_if_it_raises

logger = logging.getLogger("ganzoo")

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Part = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class CriticSettings:
    """How the critics of an :class:`Adversary` are trained.

    Attributes:
        weight: of everything that is added to the generator's loss.
        critic_weights: critic → weight of its terms on both sides.
        clip_grad_norm: largest 2-norm of each critic's gradient.
        precision: ``fp32`` computes critics outside any autocast, in the precision of their weights;
            ``autocast`` follows that around the call.
        skip_below: critics are not stepped while their adversarial loss is below it.
        arrangement: of the batch that critics are shown.
    """

    weight: float = 1.0
    critic_weights: Mapping[str, float] = field(default_factory=dict)
    clip_grad_norm: float | None = None
    precision: Literal["fp32", "autocast"] = "fp32"
    skip_below: float | None = None
    arrangement: ShownBatch = field(default_factory=ShownBatch)


class Critics(nn.Module):
    """Critics with all that trains them; :class:`ganzoo.Adversary` makes one from names.

    Args:
        steps: critic → its step on given fakes, which holds it.
        optimizer: makes the optimizer of all critics from their parameters.
        timing: when critics learn and the generator hears of them.
        settings: weights and precision.
        balance: how strong the adversarial gradient is beside that of the generator's own loss.
        pool: fakes of earlier steps for the critics.
        demand_fit: refuses a shape of samples that some part does not take; called once for each number of axes and of
            channels, before anything moves.
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
        demand_fit: Callable[[tuple[int, ...]], None] | None = None,
    ) -> None:
        super().__init__()
        self._steps = dict(steps)
        # Not through a wrapper that gathers gradients: in the generator's step none of the critics' is computed.
        self._generator_steps = {name: _for_generator(step) for name, step in steps.items()}
        self.discriminators = nn.ModuleDict({name: step.objective.discriminator for name, step in steps.items()})
        demand_whole(self.discriminators)
        self.timing, self.settings = timing, settings
        self._balance: Balance = balance or NoBalance()
        self._pool = pool or ImagePool(0, seed=0)
        self._demand_fit = demand_fit
        self._fitting: set[tuple[int, int]] = set()
        # Frozen when it comes is frozen for good: a backbone that only provides features.
        self._trained = [parameter for parameter in self.discriminators.parameters() if parameter.requires_grad]
        if not self._trained:
            raise ConfigError(
                "the critics have nothing to train: none of their parameters requires a gradient",
                given=", ".join(self.discriminators),
                allowed="at least one parameter with requires_grad when the Adversary is made",
                hint="critic.requires_grad_(True) before ganzoo.Adversary(critic)",
            )
        # Their statistics are not saved, so they must not move when somebody calls train() on all.
        frozen = frozen_modules(self.discriminators, self._trained)
        self._resting = [module for _, module in frozen if not module.training]
        self.optimizer = optimizer(self._trained)
        self._counts = {"step": 0, "update": 0, "generator_step": 0, "generator_update": 0}
        self._open: list[dict[str, Terms]] = []
        self._vectors: list[Tensor] = []
        self._sizes: list[int] = []
        self._shared = False
        self._warned: set[str] = set()
        self._unmoved: tuple[dict[str, Tensor], dict[str, Tensor]] | None = None
        self._before: tuple[Callable[[], None], tuple[list[str], ...], list[int]] | None = None
        self.register_load_state_dict_post_hook(_after_loading)  # type: ignore[no-untyped-call]

    def train(self, mode: bool = True) -> Self:
        """As for any module, but a frozen backbone that came in evaluation stays there."""
        super().train(mode)
        for module in self._resting:
            module.training = False
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """What ``.to(…)`` calls: the optimizer's averages go where the weights go."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.optimizer.load_state_dict(self.optimizer.state_dict())
        return self

    def _demand_that_parts_take(self, fake: Tensor, condition: Tensor | None) -> None:
        """Also before the start, when no part is called yet."""
        if self._demand_fit is None or fake.ndim < 2:
            return
        channels = self.settings.arrangement.channels(fake, condition)
        if (fake.ndim, channels) not in self._fitting:
            self._demand_fit((channels, *fake.shape[2:]))
            self._fitting.add((fake.ndim, channels))

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
        observe: bool = False,
    ) -> AdversarialTerms:
        """What to add to the generator's own loss: ``(rec + adversary.generator_loss(y, real=x).total).backward()``.

        Critics get no gradient, their ``requires_grad`` is as before, and no statistic of theirs moves. Within
        ``torch.no_grad`` it is only a look, for a validation: no step is counted, and no running mean moves; a balance
        that compares with your own loss is 1 then, since there is no gradient to compare with.

        Args:
            fake: (N, …) as the generator gave it, with its graph.
            real: the real data of this step, where a loss compares with them, or features are matched.
            condition: (N, C', …), concatenated to the channels of both.
            real_labels: (N,) int64, for critics that take labels.
            fake_labels: likewise.
            reference: your own loss, for a balance that compares with it.
            last_layer: the weight at which ``last-layer`` compares.
            part: (index, of) with gradients accumulated over ``of`` calls; divide ``total`` as your own loss.
            observe: the gradient norm of each term at the fakes as well. Each costs a backward pass through its critic;
                that of a single term costs nothing and is always there. No number of the training depends on it.

        Raises:
            ConfigError: something is missing that a part needs, or does not fit.
        """
        demand_floats(fake=fake, real=real)
        self._demand_that_parts_take(fake, condition)
        self.settings.arrangement.demand_no_labels(real_labels, fake_labels)
        if torch.is_grad_enabled() and not fake.requires_grad:
            self._warn("fake has no graph, so the generator hears nothing of the critics: do not detach it")
        index, of = place(part)
        push = self.timing.push(self._counts["generator_step"])
        if push == 0.0:
            terms = silence(fake)
        else:
            if real is None and real_labels is None:
                real_labels = fake_labels  # Fakes stand in for real data.
            own = Own(fake=fake, reference=reference, last_layer=last_layer)
            terms = self._push(fake, real, condition, (real_labels, fake_labels), own, push, part, observe)
        if index == of - 1 and torch.is_grad_enabled():
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
        observe: bool,
    ) -> AdversarialTerms:
        weighted: dict[str, Tensor] = {}
        self._share()
        looking = not torch.is_grad_enabled()
        with torch.enable_grad(), self._precision(fake):
            leaf = fake.detach().to(self._dtype(fake)).requires_grad_()
            arranged = self.settings.arrangement
            shown = arranged.side(leaf, condition)
            compared = arranged.side(self._compared(real, leaf), condition)
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
                gradient, norms = gradient_at(leaf, weighted, each=observe)
        kept = self._balance.state_dict()
        if looking and own.reference is not None and not own.reference.requires_grad:
            balance = wide(torch.ones_like(raw))  # Without graphs there is nothing to compare.
        else:
            balance = wide(self._balance.factor(gradient, own).detach().to(raw.dtype))
        if looking:
            self._balance.load_state_dict(kept)
        factor = balance * (self.settings.weight * push)
        gradient = gradient * factor
        return AdversarialTerms(
            total=attached(fake, raw * factor, gradient),
            weighted={name: value.detach() * factor for name, value in weighted.items()},
            weights={name: factor * self._weight(name) for name in weighted},
            balance=balance,
            gradient_norm=wide(gradient).norm(),
            gradient_norms={name: norm * abs(factor) for name, norm in norms.items()},
        )

    def _warn(self, text: str) -> None:
        """Say something once."""
        if text not in self._warned:
            self._warned.add(text)
            logger.warning("ganzoo.Adversary: %s", text)

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
    ) -> CriticLogs:
        """Step the critics on real and fake data; ``fake`` is detached, so that the generator gets no gradient.

        Before its start nothing moves: no optimizer state, average, statistic or draw. Nor does anything in a step that
        ``skip_below`` skips; ``skipped`` in the logs is 1 then, and 0 in others.

        Args:
            fake: (N, …), attached to a graph or not.
            real: (N, …).
            condition: (N, C', …), concatenated to the channels of both.
            real_labels: (N,) int64, for critics that take labels.
            fake_labels: likewise.
            part: (index, of) with the batch in ``of`` equal parts; the optimizer steps at the last.
            observe: mean logits and accuracies as well.

        Returns:
            ``CRITIC/TERM`` → detached value; nothing is read from the device. Empty in a step without an update. Its
            :meth:`~ganzoo.training.critic_logs.CriticLogs.standings` says in words how the game stands.

        Raises:
            ConfigError: something does not fit.
        """
        demand_floats(fake=fake, real=real)
        self._demand_that_parts_take(fake, condition)
        if self._pool.size and fake_labels is not None:
            raise ConfigError(
                "the pool keeps fakes of earlier steps without their labels, so the critic would see wrong ones",
                given=f"pool={self._pool.size} and fake_labels=",
                allowed="a pool, or labels",
                hint="pool=0, or give the label as a condition: its picture is kept with the fake",
            )
        self.settings.arrangement.demand_no_labels(real_labels, fake_labels)
        index, of = place(part)
        acts = self.timing.updates(self._counts["step"])
        logs = CriticLogs({})
        if acts:
            logs, acts = self._learn(fake.detach(), real.detach(), condition, (real_labels, fake_labels), part, observe)
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
    ) -> tuple[CriticLogs, bool]:
        """What is logged, and whether critics have moved or will."""
        index, of = part
        self._share()
        self._sizes = [*(self._sizes if index else []), len(fake)]
        if len(set(self._sizes)) > 1:
            sizes = " and ".join(map(str, self._sizes))
            self._warn(f"parts of {sizes} samples count alike, so the result is not that of the whole batch")
        if index and self._vectors:  # Every part sees the weights that the whole batch would see.
            spectral.put_back(self.discriminators, self._vectors)
        if index == 0:
            self._vectors = spectral.vectors(self.discriminators) if of > 1 else []
            self._clear()
            self._open = []
            if self.settings.skip_below is not None:
                names = [name for name, _ in self.discriminators.named_parameters()]
                self._unmoved = tensors_of(self.discriminators, without=names), self._pool.state_dict()
        found: dict[str, Terms] = {}
        pooled = self._pool.state_dict()
        try:
            with buffers_kept_if_it_raises(self.discriminators), torch.enable_grad(), self._precision(fake):
                dtype = self._dtype(fake)
                arranged = self.settings.arrangement
                shown = self._pool.exchange(
                    with_condition(fake.to(dtype), condition), update=self._counts["update"] * of + index
                )
                shown = arranged.packed(arranged.with_mismatched(shown, real, condition))
                compared = arranged.side(real.to(dtype), condition)
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
                total = torch.stack([weights.get(name, 1.0) * terms.total() for name, terms in found.items()]).sum()
                torch.autograd.backward(total / of)
        except Exception:
            # The state is that of the last whole update, and the next begins with part 0.
            self._pool.load_state_dict(pooled)
            self._forget()
            raise
        self._open.append(found)
        judges = {
            name: partial(step.standing, *(terms[name].logits for terms in self._open))
            for name, step in self._steps.items()
        }
        logs = _logs(found)
        moves = True
        if index == of - 1:
            moves = not self._wins()
            logs |= self._step() if moves else self._skip()
            if self.settings.skip_below is not None:
                logs["skipped"] = torch.tensor(float(not moves), device=real.device)
        return CriticLogs(logs, judges), moves

    def _wins(self) -> bool:
        """Whether the critics' adversarial loss is so low that they are not stepped; in all processes alike.

        An optimizer is stepped or it is not, so this is read from the device.
        """
        if self.settings.skip_below is None:
            return False
        weights = self.settings.critic_weights
        losses = [
            weights.get(name, 1.0) * terms.scalars["adversarial"].detach()
            for part in self._open
            for name, terms in part.items()
        ]
        mean = torch.stack(losses).sum() / len(self._open)
        return bool(mean_over_processes(mean) < self.settings.skip_below)

    def _skip(self) -> dict[str, Tensor]:
        """Leave all as it was before the first part: statistics, spectral vectors, and the pool."""
        assert self._unmoved is not None
        tensors, pooled = self._unmoved
        put_back(self.discriminators, tensors)
        self._pool.load_state_dict(pooled)
        self._forget()
        return {}

    def _share(self) -> None:
        """Once, before any critic is asked: processes that made critics of their own go on with those of the first."""
        if not self._shared:
            demand_whole(self.discriminators)  # somebody may have wrapped them since
            share_weights(self.discriminators)
            self._shared = True

    def _clear(self) -> None:
        """As ``zero_grad``, which costs a record for torch's profiler at each call."""
        for parameter in self._trained:
            parameter.grad = None

    def _forget(self) -> None:
        """Drop an update that was begun: its gradients, its terms, and what parts have noted of it."""
        self._clear()
        self._open = []
        for step in self._steps.values():
            step.load_state_dict(step.state_dict())

    def _step(self) -> dict[str, Tensor]:
        share_gradients(self._trained)
        norms = {}
        if self.settings.clip_grad_norm is not None:
            for name, critic in self.discriminators.items():
                trained = [parameter for parameter in critic.parameters() if parameter.requires_grad]
                norms[f"{name}/grad_norm"] = nn.utils.clip_grad_norm_(trained, self.settings.clip_grad_norm)
        self.optimizer.step()
        self._clear()
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
        """Restore :meth:`get_extra_state`, all of it or nothing.

        Raises:
            CheckpointError: it is the state of other critics or parts; this one is as it was.
        """
        try:
            with put_back_if_it_raises(self.get_extra_state(), self._take):
                self._take(state)
        except (*MISFITS, CheckpointError) as error:
            raise CheckpointError(
                "the state does not match these critics",
                given=str(error).splitlines()[0] if str(error) else type(error).__name__,
                allowed="the state of an Adversary with the same critics, loss, regularizers, balance and optimizer",
                hint="load_state_dict(state, critics_only=True) takes the critics' weights alone",
            ) from error
        # An update that was begun belongs to what was there before.
        self.optimizer.zero_grad(set_to_none=True)
        self._open = []

    def _take(self, state: Mapping[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        for name, step in self._steps.items():
            step.load_state_dict(state["parts"][name])
        self._balance.load_state_dict(state["balance"])
        self._pool.load_state_dict(state["pool"])
        self._counts = {name: int(state["counts"][name]) for name in self._counts}

    def state_dict(self, *args: Any, **keywords: Any) -> dict[str, Any]:  # type: ignore[override]
        """Critics, optimizer, parts, balance, pool and counters; what is frozen in a critic is not in it."""
        state: dict[str, Any] = super().state_dict(*args, **keywords)
        prefix = keywords.get("prefix", args[1] if len(args) > 1 else "")
        for name in frozen_names(self, self._trained):
            state.pop(f"{prefix}{name}", None)
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False, *, critics_only: bool = False
    ) -> Any:
        """Restore :meth:`state_dict`; with ``critics_only`` the critics' weights alone, to fine-tune them.

        Raises:
            CheckpointError: it is the state of other critics; these are as they were.
            ConfigError: with ``assign``, which would put weights in place that the optimizer does not know.
        """
        given = dict(state_dict)
        if critics_only:
            given["_extra_state"] = self.get_extra_state()
        try:
            return super().load_state_dict(given, strict=strict, assign=assign)
        except CheckpointError:
            self._broken_off()
            raise
        except RuntimeError as error:
            raise CheckpointError(
                "the state does not match these critics",
                given=str(error).splitlines()[-1].strip(),
                allowed="the state of an Adversary with the same critics",
            ) from error

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        *found: list[str],
    ) -> None:
        """Fill in what is frozen, since it is not in a state; a module that holds this one loads it by this alone."""
        if local_metadata.get("assign_to_params_buffers"):
            raise ConfigError(
                "a state is copied into the critics' weights: put in their place it would be unknown to the optimizer",
                given="assign=True",
                allowed="assign=False",
                hint="load the critics' weights before ganzoo.Adversary(critics)",
            )
        frozen = frozen_names(self, self._trained)
        own = dict(self.named_parameters()) | dict(self.named_buffers())
        for name in frozen:
            if name in own:
                state_dict.setdefault(f"{prefix}{name}", own[name].detach())
        missing, unexpected, errors = found
        faults = (errors, missing, unexpected) if strict else (errors,)
        self._before = self._as_it_is(without=frozen), faults, [*map(len, faults)]
        try:
            super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, *found)
        except Exception:
            self._before = None
            raise

    def _loaded(self) -> None:
        """Called by torch when the critics have been tried as well; it tells of misfits only at its end."""
        if self._before is None:
            return
        put_back_all, faults, counts = self._before
        self._before = None
        if [*map(len, faults)] != counts:
            put_back_all()

    def _as_it_is(self, *, without: Collection[str]) -> Callable[[], None]:
        """What gives critics back their present state, but for what is frozen."""
        tensors, extra = tensors_of(self, without=without), self.get_extra_state()
        drawn = [(part, part.get_extra_state()) for part in part_critics(self.discriminators)]

        def put_back_all() -> None:
            put_back(self, tensors)
            self._take(extra)
            for part, state in drawn:
                part.set_extra_state(state)

        return put_back_all

    def _broken_off(self) -> None:
        """A critic has refused its own state, so torch does not go on to :meth:`_loaded`."""
        if self._before is not None:
            put_back_all, *_ = self._before
            self._before = None
            put_back_all()

    # Precision.

    def _dtype(self, data: Tensor) -> torch.dtype:
        """That of the critics' weights, unless autocast decides."""
        return data.dtype if self.settings.precision == "autocast" else self._trained[0].dtype

    def _precision(self, data: Tensor) -> AbstractContextManager[Any]:
        if self.settings.precision == "autocast":
            return nullcontext()
        return torch.autocast(data.device.type, enabled=False)


def _after_loading(critics: Critics, keys: Any) -> None:
    """A function and not a method, so that a copy of critics calls itself."""
    critics._loaded()


def _for_generator(step: AdversarialStep) -> AdversarialStep:
    judged = Judged(alone(step.objective.discriminator))
    return replace(step, objective=replace(step.objective, discriminate=judged))


def _logs(found: Mapping[str, Terms]) -> dict[str, Tensor]:
    logs: dict[str, Tensor] = {}
    for name, terms in found.items():
        logs |= {f"{name}/{term}": value.detach() for term, value in terms.scalars.items()}
        logs |= {f"{name}/{key}": value.detach() for key, value in terms.observed.items()}
    return logs


def seed_of(seed: int, critic: str) -> int:
    """The seed of a critic's draws: each has draws of its own, in every process."""
    return derive(seed, "adversary", critic, rank())
