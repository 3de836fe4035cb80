"""An update of one player: the gradient of its objective, then the optimizer step and what follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ganzoo.errors import DivergedError
from ganzoo.protocols import Player
from ganzoo.seeds import seeded
from ganzoo.training import draws
from ganzoo.training.after_update import after_update
from ganzoo.training.first_update import explained
from ganzoo.training.game import Game, Inputs, Terms, sum_of
from ganzoo.training.runtime import differentiate
from ganzoo.training.setup import Setup
from ganzoo.training.shared_batch_norm import settle


@dataclass(frozen=True, kw_only=True)
class Differentiated:
    """An update whose gradient is there, and finite.

    Attributes:
        player: whose it is.
        scalars: the terms, detached.
        grad_norm: before it was limited.
        parts: each micro-batch's share of the batch, and what else there is of its terms.
    """

    player: Player
    scalars: dict[str, Tensor]
    grad_norm: Tensor
    parts: list[tuple[float, Terms]]


def differentiated(
    setup: Setup, player: Player, inputs: Inputs, terms_of: Callable[[Game, Inputs], Terms]
) -> Differentiated:
    """Differentiate a player's terms.

    Raises:
        DivergedError: a term or gradient is not finite.
    """
    optimizer, team, done = _optimizer(setup, player), setup.game.team, list[tuple[float, Terms]]()

    def parts() -> Iterator[tuple[float, dict[str, Tensor]]]:
        for share, part in draws.micro_batches(inputs, setup.schedule.accumulate):
            terms = terms_of(setup.game, part)
            done.append((share, replace(terms, scalars={})))  # whose graph may go once it is differentiated
            yield share / team.size, terms.scalars

    drawn = partial(chance, setup, player, inputs.update)
    limit, step = setup.schedule.clip_grad_norm, setup.state.step + 1
    try:
        with drawn():
            scalars, norm = differentiate(player, step, optimizer, parts(), clip_grad_norm=limit, team=team)
    except DivergedError as error:
        if inputs.update:
            raise
        with drawn():
            raise explained(error, setup.game, player, lambda: terms_of(setup.game, inputs)) from None
    return Differentiated(player=player, scalars=scalars, grad_norm=norm, parts=done)


def moved(setup: Setup, update: Differentiated) -> dict[str, Tensor]:
    """Take the optimizer step and what follows it; the terms under the names of ``metrics.jsonl``."""
    player, state, optimizer = update.player, setup.state, _optimizer(setup, update.player)
    optimizer.step()
    settle(setup.game.team, state.discriminator, state.generator)
    adapted = after_update(setup.game, player, [terms for _, terms in update.parts])
    optimizer.zero_grad(set_to_none=True)  # the other player's update need not find room beside them
    letter, total = player[0], sum_of(update.scalars.values())
    named = {f"{letter}/{name}": value for name, value in update.scalars.items()}
    norm = {f"grad_norm/{letter}": update.grad_norm}
    return {f"{letter}/total": total, **named, **norm, **_observed(update.parts), **adapted}


def chance(setup: Setup, player: Player, update: int) -> AbstractContextManager[None]:
    """The random numbers that networks draw by themselves in an update, as for dropout."""
    # Processes drop out other units of their samples, as a process does of all of its own.
    place = () if setup.game.team.leads else (setup.game.team.number,)
    return seeded(setup.schedule.seed, update, f"forward/{player}", *place, devices=(setup.runtime.device,))


def _optimizer(setup: Setup, player: Player) -> torch.optim.Optimizer:
    return setup.state.d_optimizer if player == "discriminator" else setup.state.g_optimizer


def _observed(parts: list[tuple[float, Terms]]) -> dict[str, Tensor]:
    """Means over the whole batch."""
    observed: dict[str, Tensor] = {}
    for share, terms in parts:
        for name, value in terms.observed.items():
            observed[name] = observed[name] + share * value if name in observed else share * value
    return observed
