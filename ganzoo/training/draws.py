"""All random draws of an update, made for the whole batch from (seed, update, role), then sliced into micro-batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.data import EVERY
from ganzoo.protocols import Augmentation, Player
from ganzoo.seeds import generator_for
from ganzoo.training.game import Inputs

if TYPE_CHECKING:
    from ganzoo.training.setup import Setup  # a loop of one's own has none


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The random numbers of one update: for each role a CPU generator seeded by (seed, update, role).

    Micro-batches that share it go on drawing where the one before stopped.
    """

    player: Player
    seed: int
    update: int
    begun: dict[str, torch.Generator] = field(default_factory=dict, repr=False, compare=False)

    def of(self, role: str) -> torch.Generator:
        """The generator of a role."""
        if role not in self.begun:
            self.begun[role] = generator_for(self.seed, self.update, role)
        return self.begun[role]

    def regularizer(self, name: str) -> torch.Generator:
        """The generator of a regularizer of this player's step."""
        return self.of(f"{self.player}/{name}")


def for_discriminator(setup: Setup, *, update: int | None = None) -> Inputs:
    """A new batch of real data, and fresh latents; those of the next update unless another one is asked for."""
    update = setup.state.d_step if update is None else update
    rows, whole = _own(setup)
    batch = setup.batches.stored(update) if whole is None else setup.batches.stored(update, rows)
    labels = batch.labels if setup.sampler.frequencies else None
    return _with_fakes(
        setup,
        given(
            Drawing(player="discriminator", seed=setup.schedule.seed, update=update),
            real=setup.runtime.put(batch.data),
            real_labels=None if labels is None else setup.runtime.put(labels),
            augment=setup.game.augment,
            rows=rows,
            whole=whole,
        ),
        "discriminator",
    )


def for_generator(setup: Setup, latest: Inputs) -> Inputs:
    """The real batch that the discriminator saw last, and fresh latents, or its own where both share their fakes."""
    rows, whole = _own(setup)
    inputs = given(
        Drawing(player="generator", seed=setup.schedule.seed, update=setup.state.step),
        real=latest.real,
        real_labels=latest.real_labels,
        augment=setup.game.augment,
        rows=rows,
        whole=whole,
    )
    if setup.schedule.fakes == "shared":
        return replace(inputs, z=latest.z, fake_labels=latest.fake_labels)
    return _with_fakes(setup, inputs, "generator")


def _own(setup: Setup) -> tuple[slice | Tensor, int | None]:
    """Which rows of a batch are this process's, and of how many; ``None`` where it has all."""
    n, team = setup.schedule.batch_size, setup.game.team
    return team.rows(n, setup.schedule.accumulate), None if team.alone else n


def given(
    drawing: Drawing,
    *,
    real: Tensor,
    real_labels: Tensor | None = None,
    fake_labels: Tensor | None = None,
    z: Tensor | None = None,
    fakes: int | None = None,
    augment: Augmentation | None = None,
    rows: slice | Tensor = EVERY,
    whole: int | None = None,
    alike: bool = False,
) -> Inputs:
    """The inputs of an update with the draws that do not depend on where the fakes come from.

    ``fakes`` is their number, where that is not the number of real data. Where the data are but ``rows`` of a batch,
    ``whole`` is how many that has: for all of them is drawn, and those are kept. Where real data and fakes are to be
    ``alike``, those of the fakes are for both.
    """
    n_real = len(real) if whole is None else whole

    def draws(side: str, n: int) -> Tensor | None:
        if augment is None:
            return None
        drawn = augment.draw(n, random=drawing.of(f"augment/{drawing.player}/{side}"))[rows]
        return drawn.to(real.device, non_blocking=True)

    real_draws = None if alike else draws("real", n_real)
    fake_draws = draws("fake", n_real if fakes is None else fakes)
    return Inputs(
        real=real,
        real_labels=real_labels,
        fake_labels=fake_labels,
        z=z,
        update=drawing.update,
        random=drawing.regularizer,
        real_draws=fake_draws if alike else real_draws,
        fake_draws=fake_draws,
    )


def _with_fakes(setup: Setup, inputs: Inputs, player: Player) -> Inputs:
    rows, whole = _own(setup)
    n = len(inputs.real) if whole is None else whole
    seed, sampler = setup.schedule.seed, setup.sampler
    # A relativistic loss compares sample by sample, so a pair shares its label.
    labels = inputs.real_labels
    if not setup.game.generator_needs_real:
        drawn = sampler.labels(n, random=generator_for(seed, inputs.update, f"labels/{player}"))
        labels = None if drawn is None else drawn[rows]
    z = sampler.latents(n, random=generator_for(seed, inputs.update, f"z/{player}"))[rows]
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
