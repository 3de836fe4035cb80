"""The loop: a generator of reports. To stop early, stop iterating."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from ganzoo.data import Batches
from ganzoo.protocols import DataSpec, Player, Report, StatefulLoss
from ganzoo.seeds import generator_for, seeded
from ganzoo.training import spectral
from ganzoo.training.runtime import Runtime, descend
from ganzoo.training.state import TrainState, update_average
from ganzoo.training.step import Game, Inputs, discriminator_terms, generator_terms


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How often, how many, how fast: the numbers of a run that the loop needs.

    Attributes:
        steps: generator steps of the whole run.
        accumulate: micro-batches per batch.
        n_critic: discriminator updates per generator update.
        lr_schedule: ``constant``; ``linear`` falls to 0 over the second half; ``cosine`` falls to 0 over the run.
        label_draw: fake labels from the data's frequencies, or all classes alike.
        spectral_norm: one power iteration per discriminator update, or torch's own at every forward.
        ema: decay of the generator's average, where the state keeps one.
        log_every: generator steps between reports that carry numbers.
    """

    steps: int
    batch_size: int
    seed: int = 0
    accumulate: int = 1
    n_critic: int = 1
    clip_grad_norm: float | None = None
    lr_schedule: Literal["constant", "linear", "cosine"] = "constant"
    label_draw: Literal["marginal", "uniform"] = "marginal"
    spectral_norm: Literal["per-update", "per-forward"] = "per-update"
    ema: float | None = None
    log_every: int = 10

    def logs(self, step: int) -> bool:
        """Whether the numbers of this step are written down."""
        return step % self.log_every == 0 or step == self.steps

    def learning_rate_factor(self, step: int) -> float:
        """What the learning rates are multiplied by: a pure function of the step."""
        done = step / self.steps
        if self.lr_schedule == "linear":
            return min(1.0, 2 * (1 - done))
        return 0.5 * (1 + math.cos(math.pi * done)) if self.lr_schedule == "cosine" else 1.0


@dataclass(frozen=True, kw_only=True)
class Setup:
    """All that a training loop works with; only ``state`` changes."""

    game: Game
    state: TrainState
    batches: Batches
    spec: DataSpec
    runtime: Runtime
    schedule: Schedule


def train(setup: Setup) -> Iterator[Report]:
    """Train from ``state.step`` to ``schedule.steps``, yielding a report after every generator step.

    Raises:
        DivergedError: a term or gradient is not finite; the optimizer concerned has not moved.
    """
    state, schedule = setup.state, setup.schedule
    state.generator.train()
    state.discriminator.train()
    if schedule.spectral_norm == "per-update":
        spectral.hold(state.discriminator)
    while state.step < schedule.steps:
        logged = schedule.logs(state.step + 1)
        _set_learning_rates(setup)
        for _ in range(schedule.n_critic):
            inputs = _draw_for_discriminator(setup)
            scalars = _update_discriminator(setup, inputs, observe=logged)
        scalars |= _update_generator(setup, _draw_for_generator(setup, inputs))
        state.step += 1
        yield Report(step=state.step, d_step=state.d_step, images=state.images, scalars=scalars if logged else {})


def _update_discriminator(setup: Setup, inputs: Inputs, *, observe: bool) -> dict[str, Tensor]:
    state = setup.state
    if setup.schedule.spectral_norm == "per-update":
        spectral.iterate(state.discriminator)
    observed: dict[str, Tensor] = {}
    logits: list[tuple[Tensor, Tensor]] = []

    def parts() -> Iterator[tuple[float, dict[str, Tensor]]]:
        for share, part in _micro_batches(inputs, setup.schedule.accumulate):
            terms = discriminator_terms(setup.game, part, observe=observe)
            if terms.logits is not None:
                logits.append(terms.logits)
            for name, value in terms.observed.items():
                observed[name] = observed[name] + share * value if name in observed else share * value
            yield share, terms.scalars

    scalars = _descend(setup, "discriminator", state.d_step, parts())
    state.d_step += 1
    state.images += setup.schedule.batch_size
    return scalars | observed | _adapt(setup.game, logits)


def _adapt(game: Game, logits: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Show the logits of the whole batch to the parts that adapt to them; what those have to say of themselves."""
    if game.augment is None and not isinstance(game.loss, StatefulLoss):
        return {}
    real, fake = (torch.cat(side) for side in zip(*logits, strict=True))
    if isinstance(game.loss, StatefulLoss):
        game.loss.after_update(real=real, fake=fake)
    if game.augment is None:
        return {}
    game.augment.after_update(real=real)
    return game.augment.observed()


def _update_generator(setup: Setup, inputs: Inputs) -> dict[str, Tensor]:
    state, decay = setup.state, setup.schedule.ema
    parts = (
        (share, generator_terms(setup.game, part).scalars)
        for share, part in _micro_batches(inputs, setup.schedule.accumulate)
    )
    scalars = _descend(setup, "generator", state.step, parts)
    if state.ema is not None and decay is not None:
        update_average(state.ema, state.generator, decay=decay, updates=state.step + 1)
    return scalars


def _descend(
    setup: Setup, player: Player, update: int, parts: Iterator[tuple[float, dict[str, Tensor]]]
) -> dict[str, Tensor]:
    """One optimizer step and the projections after it; terms under the names of ``metrics.jsonl``."""
    state, letter = setup.state, player[0]
    optimizer = state.d_optimizer if player == "discriminator" else state.g_optimizer
    with seeded(setup.schedule.seed, update, f"forward/{player}", devices=(setup.runtime.device,)):
        terms, grad_norm = descend(
            player, state.step + 1, optimizer, parts, clip_grad_norm=setup.schedule.clip_grad_norm
        )
    network = state.discriminator if player == "discriminator" else state.generator
    for part in setup.game.regularizers:
        part.regularizer.after_step(player, network)
    total = torch.stack(list(terms.values())).sum()
    named = {f"{letter}/{name}": value for name, value in terms.items()}
    return {f"{letter}/total": total, **named, f"grad_norm/{letter}": grad_norm}


def _draw_for_discriminator(setup: Setup) -> Inputs:
    """All random numbers of the next update, from (seed, update, role)."""
    update = setup.state.d_step
    batch = setup.batches.batch(update)
    labels = batch.labels if setup.spec.conditional else None
    real_labels = None if labels is None else setup.runtime.put(labels)
    return _inputs(setup, "discriminator", update, setup.runtime.put(batch.data), real_labels)


def _draw_for_generator(setup: Setup, latest: Inputs) -> Inputs:
    """Likewise; the generator's step sees the real batch that the discriminator saw last."""
    return _inputs(setup, "generator", setup.state.step, latest.real, latest.real_labels)


def _inputs(setup: Setup, player: Player, update: int, real: Tensor, real_labels: Tensor | None) -> Inputs:
    schedule, put = setup.schedule, setup.runtime.put
    z = setup.state.generator.latent(schedule.batch_size, generator=generator_for(schedule.seed, update, f"z/{player}"))
    fake_labels = real_labels
    # A relativistic loss compares sample by sample, so a pair shares its label.
    if real_labels is not None and not setup.game.generator_needs_real:
        fake_labels = put(_draw_labels(setup, player, update))
    real_draws, fake_draws = (_draw_augmentation(setup, player, update, side) for side in ("real", "fake"))
    return Inputs(
        real=real,
        real_labels=real_labels,
        z=put(z),
        fake_labels=fake_labels,
        update=update,
        # One generator an update: micro-batches go on drawing where the one before stopped.
        random=cache(lambda name: generator_for(schedule.seed, update, f"{player}/{name}")),
        real_draws=real_draws,
        fake_draws=fake_draws,
    )


def _draw_augmentation(setup: Setup, player: Player, update: int, side: str) -> Tensor | None:
    augment, schedule = setup.game.augment, setup.schedule
    if augment is None:
        return None
    random = generator_for(schedule.seed, update, f"augment/{player}/{side}")
    return setup.runtime.put(augment.draw(schedule.batch_size, random=random))


def _draw_labels(setup: Setup, player: Player, update: int) -> Tensor:
    spec, schedule = setup.spec, setup.schedule
    # A class may be missing from this part of the data.
    uniform = tuple(float(share > 0) for share in spec.marginal)
    frequencies = spec.marginal if schedule.label_draw == "marginal" else uniform
    generator = generator_for(schedule.seed, update, f"labels/{player}")
    return torch.multinomial(torch.tensor(frequencies), schedule.batch_size, replacement=True, generator=generator)


def _micro_batches(inputs: Inputs, accumulate: int) -> Iterator[tuple[float, Inputs]]:
    n = len(inputs.z)
    for part in range(accumulate):
        rows = slice(n * part // accumulate, n * (part + 1) // accumulate)
        yield (
            (rows.stop - rows.start) / n,
            replace(
                inputs,
                real=inputs.real[rows],
                real_labels=None if inputs.real_labels is None else inputs.real_labels[rows],
                z=inputs.z[rows],
                fake_labels=None if inputs.fake_labels is None else inputs.fake_labels[rows],
                real_draws=None if inputs.real_draws is None else inputs.real_draws[rows],
                fake_draws=None if inputs.fake_draws is None else inputs.fake_draws[rows],
            ),
        )


def _set_learning_rates(setup: Setup) -> None:
    factor = setup.schedule.learning_rate_factor(setup.state.step)
    for optimizer in (setup.state.g_optimizer, setup.state.d_optimizer):
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
