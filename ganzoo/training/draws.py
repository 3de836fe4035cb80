"""All random draws of an update, made for the whole batch from (seed, update, role), then sliced into micro-batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from torch import Tensor

from ganzoo.protocols import Augmentation, Player
from ganzoo.seeds import generator_for
from ganzoo.training.game import Inputs
from ganzoo.training.setup import Setup


def for_discriminator(setup: Setup, *, update: int | None = None) -> Inputs:
    """A new batch of real data, and fresh latents; those of the next update unless another one is asked for."""
    update = setup.state.d_step if update is None else update
    batch = setup.batches.batch(update)
    labels = batch.labels if setup.sampler.frequencies else None
    return _with_fakes(
        setup,
        given(
            "discriminator",
            real=setup.runtime.put(batch.data),
            real_labels=None if labels is None else setup.runtime.put(labels),
            seed=setup.schedule.seed,
            update=update,
            augment=setup.game.augment,
        ),
        "discriminator",
    )


def for_generator(setup: Setup, latest: Inputs) -> Inputs:
    """Fresh latents, and the real batch that the discriminator saw last."""
    return _with_fakes(
        setup,
        given(
            "generator",
            real=latest.real,
            real_labels=latest.real_labels,
            seed=setup.schedule.seed,
            update=setup.state.step,
            augment=setup.game.augment,
        ),
        "generator",
    )


def given(
    player: Player,
    *,
    real: Tensor,
    real_labels: Tensor | None = None,
    fake_labels: Tensor | None = None,
    z: Tensor | None = None,
    fakes: int | None = None,
    seed: int,
    update: int,
    augment: Augmentation | None = None,
) -> Inputs:
    """The inputs of an update with the draws that do not depend on where the fakes come from.

    ``fakes`` is their number, where that is not the number of real data.
    """

    def draws(side: str, n: int) -> Tensor | None:
        if augment is None:
            return None
        drawn = augment.draw(n, random=generator_for(seed, update, f"augment/{player}/{side}"))
        return drawn.to(real.device, non_blocking=True)

    return Inputs(
        real=real,
        real_labels=real_labels,
        fake_labels=fake_labels,
        z=z,
        update=update,
        # One generator per update: micro-batches go on drawing where the one before stopped.
        random=cache(lambda name: generator_for(seed, update, f"{player}/{name}")),
        real_draws=draws("real", len(real)),
        fake_draws=draws("fake", len(real) if fakes is None else fakes),
    )


def _with_fakes(setup: Setup, inputs: Inputs, player: Player) -> Inputs:
    n, seed, sampler = len(inputs.real), setup.schedule.seed, setup.sampler
    # A relativistic loss compares sample by sample, so a pair shares its label.
    labels = inputs.real_labels
    if not setup.game.generator_needs_real:
        labels = sampler.labels(n, random=generator_for(seed, inputs.update, f"labels/{player}"))
    z = sampler.latents(n, random=generator_for(seed, inputs.update, f"z/{player}"))
    return replace(inputs, z=z, fake_labels=labels)


def micro_batches(inputs: Inputs, accumulate: int) -> Iterator[tuple[float, Inputs]]:
    """The batch in equal parts, as far as it divides, each with its share of the whole."""
    n = len(inputs.real)
    for part in range(accumulate):
        rows = slice(n * part // accumulate, n * (part + 1) // accumulate)
        sliced: dict[str, Any] = {
            name: None if (tensor := getattr(inputs, name)) is None else tensor[rows]
            for name in ("real", "real_labels", "fake_labels", "z", "real_draws", "fake_draws")
        }
        yield (rows.stop - rows.start) / n, replace(inputs, **sliced)
