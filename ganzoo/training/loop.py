"""The loop: a generator of reports. To stop early, stop iterating."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from torch import Tensor

from ganzoo.protocols import Report
from ganzoo.training import draws, spectral
from ganzoo.training.game import Game, Inputs, Terms
from ganzoo.training.one_verdict import OneVerdict
from ganzoo.training.setup import Setup
from ganzoo.training.shared_fakes import SharedFakes
from ganzoo.training.state import update_average
from ganzoo.training.step import discriminator_terms, generator_terms
from ganzoo.training.update import chance, differentiated, moved
from ganzoo.training.without_trace import buffers_kept_if_it_raises, frozen


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
        with setup.runtime.quick():  # and no longer: samples are looked at as by whoever loads the weights
            scalars = _step(setup, observe=logged)
        state.step += 1
        took = time.perf_counter() - begun
        state.seconds += took
        if last and schedule.minutes is not None and state.step < schedule.steps:
            state.seconds = max(state.seconds, schedule.seconds)
        scalars = scalars if logged else {}
        yield Report(step=state.step, d_step=state.d_step, images=state.images, scalars=scalars, last=last)


def _step(setup: Setup, *, observe: bool) -> dict[str, Tensor]:
    if setup.schedule.updates == "simultaneous":
        return _update_both(setup, observe=observe)
    inputs, shared, scalars = _turn_of_discriminator(setup, observe=observe)
    return scalars | _update_generator(setup, draws.for_generator(setup, inputs), shared)


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
            with chance(setup, "discriminator", inputs.update):
                shared.make(setup.game, inputs)
    return inputs, shared, scalars


def _update_discriminator(
    setup: Setup, inputs: Inputs, shared: SharedFakes | None, *, observe: bool
) -> dict[str, Tensor]:
    state, terms_of = setup.state, discriminator_terms if shared is None else shared.discriminator_terms
    with buffers_kept_if_it_raises(state.discriminator, state.generator):
        if setup.schedule.spectral_norm == "per-update":
            spectral.iterate(state.discriminator)
        scalars = moved(setup, differentiated(setup, "discriminator", inputs, partial(terms_of, observe=observe)))
    state.d_step += 1
    state.images += setup.schedule.batch_size
    return scalars


def _update_generator(setup: Setup, inputs: Inputs, shared: SharedFakes | None) -> dict[str, Tensor]:
    state, of_game = setup.state, generator_terms if shared is None else shared.generator_terms

    def terms_of(game: Game, part: Inputs) -> Terms:
        return of_game(replace(game, frozen_throughout=True), part)

    with buffers_kept_if_it_raises(state.discriminator, state.generator):
        with frozen(state.discriminator):
            update = differentiated(setup, "generator", inputs, terms_of)
        scalars = moved(setup, update)
    _average(setup)
    return scalars


def _update_both(setup: Setup, *, observe: bool) -> dict[str, Tensor]:
    """One update of each from the same point: nothing moves before both gradients are there, and finite."""
    state, both = setup.state, OneVerdict()
    inputs = draws.for_discriminator(setup)
    with buffers_kept_if_it_raises(state.discriminator, state.generator):
        if setup.schedule.spectral_norm == "per-update":
            spectral.iterate(state.discriminator)
        of_discriminator = differentiated(
            setup, "discriminator", inputs, partial(both.discriminator_terms, observe=observe)
        )
        of_generator = differentiated(setup, "generator", inputs, both.generator_terms)
        scalars = moved(setup, of_discriminator) | moved(setup, of_generator)
    _average(setup)
    state.d_step += 1
    state.images += setup.schedule.batch_size
    return scalars


def _average(setup: Setup) -> None:
    state = setup.state
    if state.ema is not None and state.decay is not None:  # meant as it stands, without a ramp
        update_average(state.ema, state.generator, decay=state.decay)
    elif state.ema is not None and setup.schedule.ema is not None:
        update_average(state.ema, state.generator, decay=setup.schedule.ema, updates=state.step + 1)


def _set_learning_rates(setup: Setup) -> None:
    factor = setup.schedule.learning_rate_factor(setup.state.step) * 0.5**setup.state.rollbacks
    for optimizer in (setup.state.g_optimizer, setup.state.d_optimizer):
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
