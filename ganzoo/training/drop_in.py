"""Critics that drop into anyone's loop: what they add to a generator's loss, and their own steps."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.seeds import derive
from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.adversarial_terms import AdversarialTerms, silence
from ganzoo.training.balance import Balance, NoBalance, Own
from ganzoo.training.borrowed import Borrowed, learnable
from ganzoo.training.by_name import by_name
from ganzoo.training.critic_logs import CriticLogs
from ganzoo.training.critic_settings import CriticSettings
from ganzoo.training.critic_update import CriticUpdate
from ganzoo.training.frozen_parts import demand_as_it_was
from ganzoo.training.generator_push import GeneratorPush
from ganzoo.training.given_data import GivenBatch, demand_derivatives, demand_floats
from ganzoo.training.image_pool import ImagePool
from ganzoo.training.last_whole import LastWhole
from ganzoo.training.mix_ups import LastFake
from ganzoo.training.own_parts import Part, place
from ganzoo.training.processes import rank, several, share_weights
from ganzoo.training.said_once import SaidOnce
from ganzoo.training.saved_critics import SavedCritics
from ganzoo.training.saved_rates import learning_rates, other_rates
from ganzoo.training.sharded import demand_whole
from ganzoo.training.timing import Timing
from ganzoo.training.without_trace import same_random_numbers
from ganzoo.training.wrapped_along import demand_kept_out, keep_out

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
DemandFit = Callable[[tuple[int, ...], GivenBatch], None]
WHOLE: Part = (0, 1)
AMID_AN_UPDATE = (
    "generator_loss came within an update that was begun in parts: the critics step at its last part, so the parts of "
    "the generator do not all hear the same ones. Call generator_loss before update in each part, or update for all "
    "parts first"
)
MANY = 100
"""After so many steps of the generator alone, somebody has forgotten the critics."""
NEVER_UPDATED = (
    f"generator_loss was called in {MANY} steps and update in none, so the critics do not learn, and a start never "
    "comes: adversary.update(fake=y, real=x) in each step"
)
Form = tuple[str, int, int]
"""Who is shown a batch, the number of its axes, and that of its channels as critics see them."""


class Critics(SavedCritics):
    """Critics with all that trains them; :class:`ganzoo.Adversary` makes one from names.

    Args:
        steps: critic → its step on given fakes, which holds it.
        optimizer: makes the optimizer of all critics from their parameters.
        timing: when critics learn and the generator hears of them.
        settings: weights and precision.
        balance: how strong the adversarial gradient is beside that of the generator's own loss.
        pool: fakes of earlier steps for the critics.
        demand_fit: refuses data that critics or parts were not made for, by the shape of a sample as critics see it;
            called once for each number of axes and of channels, before anything moves.
        seed_of: critic, or ``pool`` → the seed of its draws in this process, which may not be known before the first
            step: a trainer starts the processes when the critics have been made.
        in_words: what computing terms is done within; it may change hints of errors.
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
        demand_fit: DemandFit | None = None,
        seed_of: Callable[[str], int] | None = None,
        in_words: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        critics = nn.ModuleDict({name: step.objective.discriminator for name, step in steps.items()})
        demand_whole(critics)
        trained = _trained(critics)
        super().__init__(critics, trained)
        self._steps = dict(steps)
        self.optimizer = _made(optimizer, trained)
        self.timing, self.settings = timing, settings
        self._balance: Balance = balance or NoBalance()
        self._pool = pool or ImagePool(0, seed=0)
        self._warn, self._last_fake = SaidOnce("ganzoo.Adversary"), LastFake()
        self._seed_of = seed_of
        self._arrange()
        self._demand_fit, self._in_words = demand_fit, in_words
        self._balance_before: dict[str, Tensor] | None = None
        self._fitting: set[Form] = set()
        self._counts = {"step": 0, "update": 0, "generator_step": 0, "generator_update": 0}
        self._shared = False

    def _arrange(self) -> None:
        """Both sides, from the steps as they are."""
        critics, trained, settings = self.discriminators, self._trained, self.settings
        borrowed = Borrowed([*critics.parameters(), *learnable(self._steps)], warn=self._warn)
        self._push = GeneratorPush(self._steps, critics, trained, settings, self._balance, borrowed)
        self._update = CriticUpdate(
            self._steps,
            critics,
            trained,
            self.optimizer,
            settings=settings,
            pool=self._pool,
            borrowed=borrowed,
            warn=self._warn,
        )

    @by_name("adversary.generator_loss(fake, real=x)", places=1)
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
        part: Part = WHOLE,
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
            ConfigError: something is missing that a part needs, or does not fit; in the first call already, also long
                before the start. Within ``torch.inference_mode``, and of data that were made in it.
        """
        demand_floats(fake=fake, real=real)
        demand_derivatives(fake=fake, real=real, condition=condition)
        given = GivenBatch(
            fake=fake,
            real=real,
            condition=condition,
            real_labels=_detached(real_labels),
            fake_labels=_detached(fake_labels),
        )
        counted = torch.is_grad_enabled()
        # A look has a form of its own: it tries nothing, so the first step is still to be tried.
        form, first = self._demand(given, "generator" if counted else "look")
        index, of = place(part)
        if counted and index == 0:
            self._drop_push()
            self._balance_before = self._balance.state_dict() if of > 1 else None
        if counted and not fake.requires_grad:
            swapped = real is not None and real.requires_grad
            remedy = "they seem to be swapped: generator_loss(y, real=x)" if swapped else "do not detach it"
            self._warn(f"fake has no graph, so the generator hears nothing of the critics: {remedy}")
        if counted:
            self._last_fake.see(fake)
        own = Own(fake=fake, reference=reference, last_layer=last_layer)
        share = self.timing.push(min(self._counts["generator_step"], self._counts["step"]))
        if share == 0.0:
            if first and counted:
                self._rehearse(
                    given,
                    lambda update: self._push.terms(given, own, share=1.0, update=update, part=WHOLE, observe=False),
                )
            terms = silence(fake)
        else:
            self._share()
            if counted and index == 0 and self._update.is_open:
                self._warn(AMID_AN_UPDATE)
            update = self._counts["generator_update"]
            with self._in_words():
                terms = self._push.terms(given, own, share=share, update=update, part=(index, of), observe=observe)
        self._fitting.add(form)
        if index == of - 1 and counted:
            self._counts["generator_step"] += 1
            if self._counts["generator_step"] == MANY and not self._counts["step"]:
                self._warn(NEVER_UPDATED)
            self._counts["generator_update"] += share > 0.0
            self._balance_before = None
        return terms

    @by_name("adversary.update(fake=y, real=x)")
    def update(
        self,
        *,
        fake: Tensor,
        real: Tensor,
        condition: Tensor | None = None,
        real_labels: Tensor | None = None,
        fake_labels: Tensor | None = None,
        part: Part = WHOLE,
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

        Returns:
            ``CRITIC/TERM`` → detached value, mean logits and accuracies; nothing is read from the device. Empty in a
            step without an update. Its
            :meth:`~ganzoo.training.critic_logs.CriticLogs.standings` says in words how the game stands.

        Raises:
            ConfigError: something does not fit; in the first call already, also long before the start.
        """
        demand_floats(fake=fake, real=real)
        demand_derivatives(fake=fake, real=real, condition=condition)
        if real.requires_grad and not fake.requires_grad:
            self._warn("real has a graph and fake has none, so they seem to be swapped: update(fake=y, real=x)")
        elif self._last_fake.is_in(real):
            self._warn("real is what generator_loss was given as fake: update(fake=y, real=x)")
        given = GivenBatch(
            fake=fake.detach(),
            real=real.detach(),
            condition=condition,
            real_labels=_detached(real_labels),
            fake_labels=_detached(fake_labels),
        )
        demand_as_it_was(self.discriminators, self._trained, self._untrained)
        form, first = self._demand(given, "discriminator")
        self._pool.demand_no_labels(fake_labels)
        index, of = place(part)
        acts = self.timing.updates(self._counts["step"])
        logs = CriticLogs({})
        if acts:
            self._share()
            update = self._counts["update"]
            with self._in_words():
                logs = self._update.learn(given, update=update, part=(index, of), count=self._count)
        elif first:
            self._rehearse(given, lambda update: self._update.terms(given, update=update, part=WHOLE))
        self._fitting.add(form)
        if not acts and index == of - 1:
            self._count(False)
        return logs

    def _count(self, moved: bool) -> None:
        self._counts["step"] += 1
        self._counts["update"] += moved

    def keep_out_of_ddp(self, module: nn.Module) -> None:
        """Let ``DistributedDataParallel(module)`` leave the critics out, where ``module`` holds this one.

        Call it before ``module`` is wrapped: ``self.adversary.keep_out_of_ddp(self)`` at the end of its ``__init__``.
        Processes share the critics' weights and gradients without a wrapper. One that knows of the critics waits for
        their gradients before it averages the generator's; such critics are refused in their first step in several
        processes.

        Args:
            module: what will be wrapped; this one is an attribute of it, or of a part of it.

        Raises:
            ConfigError: ``module`` does not hold this one, or is wrapped already.
        """
        keep_out(self.discriminators, module)

    # What does not fit is told in the first step, in which perhaps nothing is due yet.

    def _demand(self, given: GivenBatch, player: str) -> tuple[Form, bool]:
        """Refuse what can be seen at once; the form of the batch, and whether it is the first of this form."""
        arranged = self.settings.arrangement
        arranged.demand_no_labels(given.real_labels, given.fake_labels)
        channels = arranged.channels(given.fake, given.condition)
        form = player, given.fake.ndim, channels
        first = form not in self._fitting
        if first and self._demand_fit is not None and given.fake.ndim > 1:
            with self._in_words():
                self._demand_fit((channels, *given.fake.shape[2:]), given)
        return form, first

    def _rehearse(self, given: GivenBatch, terms: Callable[[int], object]) -> None:
        """Compute once what is not due yet and leave no trace of it, so that whatever is at fault is told now.

        Args:
            given: the batch.
            terms: computes the terms of an update with this number.
        """
        parts = [part for step in self._steps.values() for part in step.objective.regularizers]
        balance, before = self._balance.state_dict(), LastWhole(self._steps, self.discriminators, self._pool)
        try:
            with (
                self._in_words(),
                same_random_numbers(given.fake.device),
                torch.enable_grad(),
                self.settings.autocast(given.fake),
            ):
                terms(math.lcm(*(part.every for part in parts)) - 1)  # in which every lazy regularizer acts
        finally:
            self._balance.load_state_dict(balance)
            before.put_back()

    def _share(self) -> None:
        """Once, before any critic is asked: processes that made critics of their own go on with those of the first."""
        if not self._shared:
            demand_whole(self.discriminators)  # somebody may have wrapped them since
            if several():
                demand_kept_out(self.discriminators)
                self._draw_apart()
            share_weights(self.discriminators)
            self._shared = True

    def _draw_apart(self) -> None:
        """Give draws the seeds of this process."""
        if self._seed_of is None:
            return
        self._steps = {name: replace(step, seed=self._seed_of(name)) for name, step in self._steps.items()}
        self._pool.seed = self._seed_of("pool")
        self._arrange()

    def extra_repr(self) -> str:
        """What ``print`` says of it besides its critics: of what it is made, when it acts, and how far it is."""
        timing = {name: value for name, value in asdict(self.timing).items() if value is not None}
        told = {**self._made_of(), "weight": self.settings.weight, **timing, "steps made": self._counts["step"]}
        return ", ".join(f"{name}: {value}" for name, value in told.items())

    # State.

    def get_extra_state(self) -> dict[str, Any]:
        """All that changes besides the critics' weights; ``state_dict`` has it under ``_extra_state``."""
        return {
            "made_of": self._made_of(),
            "timing": asdict(self.timing),
            "counts": dict(self._counts),
            "frozen": self._frozen(),
            "optimizer": self.optimizer.state_dict(),
            **self._update.last_whole().state(),
            "balance": self._balance_before or self._balance.state_dict(),
        }

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore :meth:`get_extra_state`, all of it or nothing; the saved learning rate wins, which is warned of."""
        asked = learning_rates(self.optimizer)
        super().set_extra_state(state)
        if told := other_rates(asked, learning_rates(self.optimizer)):
            self._warn(told)

    def _take(self, state: Mapping[str, Any]) -> None:
        self._demand_alike(state["made_of"])
        for name, mine in asdict(self.timing).items():
            if state["timing"][name] != mine:
                self._warn(f"saved with {name} {state['timing'][name]}, and going on with {name} {mine}")
        # torch would go on to write into the tensors of the state, which somebody may load once more.
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        for name, step in self._steps.items():
            step.load_state_dict(state["parts"][name])
        self._balance.load_state_dict(state["balance"])
        self._pool.load_state_dict(state["pool"])
        self._counts = {name: int(state["counts"][name]) for name in self._counts}

    def _forget(self) -> None:
        self._update.forget()
        self._push.forget()
        self._drop_push()

    def _shown_whole(self) -> AbstractContextManager[None]:
        return self._update.shown_whole()

    def _drop_push(self) -> None:
        """Let the balance be what it was before a push that was begun in parts."""
        if self._balance_before is not None:
            self._balance.load_state_dict(self._balance_before)
        self._balance_before = None

    def _demand_alike(self, other: Mapping[str, str]) -> None:
        """Refuse the state of another objective or optimizer: it would be loaded, and go on as something else."""
        for name, mine in self._made_of().items():
            if other[name] != mine:
                raise CheckpointError(f"{name} was {other[name]} when it was saved, and is {mine} now")

    def _made_of(self) -> dict[str, str]:
        balance, optimizer = type(self._balance).__name__, type(self.optimizer).__name__
        return {**self.settings.made_of, "balance": balance, "optimizer": optimizer}


def _trained(critics: nn.ModuleDict) -> list[nn.Parameter]:
    """What is frozen when it comes is frozen for good: a backbone that only provides features."""
    trained = [parameter for parameter in critics.parameters() if parameter.requires_grad]
    if trained:
        return trained
    raise ConfigError(
        "the critics have nothing to train: none of their parameters requires a gradient",
        given=", ".join(critics),
        allowed="at least one parameter with requires_grad when the Adversary is made",
        hint="critic.requires_grad_(True) before ganzoo.Adversary(critic)",
    )


def _made(optimizer: MakeOptimizer, trained: list[nn.Parameter]) -> torch.optim.Optimizer:
    made: Any = optimizer(trained)
    if hasattr(made, "step") and hasattr(made, "param_groups"):
        found: torch.optim.Optimizer = made
        return found
    raise ConfigError(
        "the function that is optimizer gave no optimizer",
        given=type(made).__name__,
        allowed="a torch.optim.Optimizer of the parameters that it is called with",
        hint="optimizer=lambda parameters: torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.9))",
    )


def _detached(labels: Tensor | None) -> Tensor | None:
    """Labels may come from an encoder of the user's, which is to learn from their own loss alone."""
    return None if labels is None else labels.detach()


def seed_of(seed: int, critic: str) -> int:
    """The seed of a critic's draws: each has draws of its own, in every process."""
    return derive(seed, "adversary", critic, rank())
