"""The loop: a generator of reports. To stop early, stop iterating."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from torch import Tensor

from ganzoo.errors import DivergedError
from ganzoo.protocols import Player, Report
from ganzoo.seeds import seeded
from ganzoo.training import draws, spectral
from ganzoo.training.after_update import after_update
from ganzoo.training.first_update import explained
from ganzoo.training.game import Game, Inputs, Terms, sum_of
from ganzoo.training.runtime import descend
from ganzoo.training.setup import Setup
from ganzoo.training.shared_batch_norm import settle
from ganzoo.training.shared_fakes import SharedFakes
from ganzoo.training.state import update_average
from ganzoo.training.step import discriminator_terms, generator_terms
from ganzoo.training.without_trace import buffers_kept_if_it_raises


def train(setup: Setup) -> Iterator[Report]:
    """Train from ``state.step`` to ``schedule.steps`` or as long as the schedule says, with a report after every step.

    Where time ends the run, its last step is known before it is taken, as the numbers of the last step are always
    looked at: it is the one for which no more time is left than the step before it took. What it leaves over counts as
    used.

    Raises:
        DivergedError: a term or gradient is not finite; the optimizer concerned has not moved.
    """
    state, schedule = setup.state, setup.schedule
    state.generator.train()
    state.discriminator.train()
    if schedule.spectral_norm == "per-update":
        spectral.hold(state.discriminator)
    took, last = 0.0, schedule.over(state)
    while not last:  # a step that took all the time that was left is followed by one that is known to be the last
        begun = time.perf_counter()
        last = state.step + 1 == schedule.steps
        if schedule.minutes is not None and not last:  # one clock for all
            last = setup.game.team.first(partial(schedule.ends, state.seconds + took))
        logged = last or schedule.logs(state.step + 1)
        for moving in setup.scheduled:
            moving.put(moving.value(step=state.step, images=schedule.images(state.step)))
        _set_learning_rates(setup)
        inputs, shared, scalars = _turn_of_discriminator(setup, observe=logged)
        scalars |= _update_generator(setup, draws.for_generator(setup, inputs), shared)
        state.step += 1
        took = time.perf_counter() - begun
        state.seconds += took
        if last and schedule.minutes is not None and state.step < schedule.steps:
            state.seconds = max(state.seconds, schedule.seconds)
        scalars = scalars if logged else {}
        yield Report(step=state.step, d_step=state.d_step, images=state.images, scalars=scalars, last=last)


def _turn_of_discriminator(setup: Setup, *, observe: bool) -> tuple[Inputs, SharedFakes | None, dict[str, Tensor]]:
    """All its updates of a step: what the last one saw, the fakes of it that are shared, and its terms.

    A run that broke off within a step goes on within it. Where the generator's update alone is left, that has no terms.
    """
    state, schedule = setup.state, setup.schedule
    shared = SharedFakes() if schedule.fakes == "shared" else None
    inputs, scalars = None, {}
    end = (state.step + 1) * schedule.n_critic
    for update in range(state.d_step, end):
        inputs = draws.for_discriminator(setup)
        scalars = _update_discriminator(setup, inputs, shared if update == end - 1 else None, observe=observe)
    if inputs is None:
        inputs = draws.for_discriminator(setup, update=state.d_step - 1)
        if shared is not None:  # made again, which gives the same: the generator has not moved since
            with _chance(setup, "discriminator", inputs.update):
                shared.make(setup.game, inputs)
    return inputs, shared, scalars


def _update_discriminator(
    setup: Setup, inputs: Inputs, shared: SharedFakes | None, *, observe: bool
) -> dict[str, Tensor]:
    state, terms_of = setup.state, discriminator_terms if shared is None else shared.discriminator_terms
    with buffers_kept_if_it_raises(state.discriminator, state.generator):
        if setup.schedule.spectral_norm == "per-update":
            spectral.iterate(state.discriminator)
        scalars = _update(setup, "discriminator", inputs, partial(terms_of, observe=observe))
    state.d_step += 1
    state.images += setup.schedule.batch_size
    return scalars


def _update_generator(setup: Setup, inputs: Inputs, shared: SharedFakes | None) -> dict[str, Tensor]:
    state, terms_of = setup.state, generator_terms if shared is None else shared.generator_terms
    with buffers_kept_if_it_raises(state.discriminator, state.generator):
        scalars = _update(setup, "generator", inputs, terms_of)
    if state.ema is not None and state.decay is not None:  # meant as it stands, without a ramp
        update_average(state.ema, state.generator, decay=state.decay)
    elif state.ema is not None and setup.schedule.ema is not None:
        update_average(state.ema, state.generator, decay=setup.schedule.ema, updates=state.step + 1)
    return scalars


def _update(
    setup: Setup, player: Player, inputs: Inputs, terms_of: Callable[[Game, Inputs], Terms]
) -> dict[str, Tensor]:
    """One optimizer step and what follows it; terms under the names of ``metrics.jsonl``."""
    state, letter, team = setup.state, player[0], setup.game.team
    optimizer = state.d_optimizer if player == "discriminator" else state.g_optimizer
    done: list[tuple[float, Terms]] = []

    def parts() -> Iterator[tuple[float, dict[str, Tensor]]]:
        for share, part in draws.micro_batches(inputs, setup.schedule.accumulate):
            terms = terms_of(setup.game, part)
            done.append((share, replace(terms, scalars={})))  # whose graph may go once it is differentiated
            yield share / team.size, terms.scalars

    chance = partial(_chance, setup, player, inputs.update)
    try:
        with chance():
            scalars, grad_norm = descend(
                player, state.step + 1, optimizer, parts(), clip_grad_norm=setup.schedule.clip_grad_norm, team=team
            )
    except DivergedError as error:
        if inputs.update:
            raise
        with chance():
            raise explained(error, setup.game, player, lambda: terms_of(setup.game, inputs)) from None
    settle(team, state.discriminator, state.generator)
    adapted = after_update(setup.game, player, [terms for _, terms in done])
    total = sum_of(scalars.values())
    named = {f"{letter}/{name}": value for name, value in scalars.items()}
    return {f"{letter}/total": total, **named, f"grad_norm/{letter}": grad_norm, **_observed(done), **adapted}


def _chance(setup: Setup, player: Player, update: int) -> AbstractContextManager[None]:
    """The random numbers that networks draw by themselves in an update, as for dropout."""
    # Processes drop out other units of their samples, as a process does of all of its own.
    place = () if setup.game.team.leads else (setup.game.team.number,)
    return seeded(setup.schedule.seed, update, f"forward/{player}", *place, devices=(setup.runtime.device,))


def _observed(parts: list[tuple[float, Terms]]) -> dict[str, Tensor]:
    """Means over the whole batch."""
    observed: dict[str, Tensor] = {}
    for share, terms in parts:
        for name, value in terms.observed.items():
            observed[name] = observed[name] + share * value if name in observed else share * value
    return observed


def _set_learning_rates(setup: Setup) -> None:
    factor = setup.schedule.learning_rate_factor(setup.state.step) * 0.5**setup.state.rollbacks
    for optimizer in (setup.state.g_optimizer, setup.state.d_optimizer):
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
