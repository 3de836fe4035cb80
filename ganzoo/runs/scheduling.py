"""The numbers of a run that move, each with what puts its value into effect."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ganzoo.errors import PluginError
from ganzoo.planning.parts import adam_correction
from ganzoo.planning.plan import Plan
from ganzoo.planning.schedules import curves
from ganzoo.protocols import AnyLoss, Player
from ganzoo.training.game import Game
from ganzoo.training.schedule_curve import Scheduled, Value
from ganzoo.training.state import TrainState, half_life_decay

Put = Callable[[Value], None]


def scheduled(plan: Plan, state: TrainState, game: Game) -> tuple[Scheduled, ...]:
    """What moves in a run of this plan, in the order of its configuration."""
    return tuple(
        Scheduled(path=path, curve=curve, put=_put(path, plan, state, game))
        for path, curve in curves(plan.config.schedules).items()
    )


def _put(path: str, plan: Plan, state: TrainState, game: Game) -> Put:
    section, _, key = path.rpartition(".")
    if section == "train":
        return _of_training(key, plan, state)
    name = section.partition(".")[2]
    if section.startswith("regularizers.") and key == "weight":
        (part,) = (part for part in game.regularizers if part.name == name)
        return lambda value: setattr(part, "weight", value)
    return _of_parts(path, key, _parts(section, plan, state, game))


def _of_training(key: str, plan: Plan, state: TrainState) -> Put:
    if key == "ema":
        return lambda value: setattr(state, "decay", value)
    if key == "ema_half_life":
        images = plan.config.train.batch_size * plan.config.train.n_critic
        return lambda value: setattr(state, "decay", half_life_decay(_number(value), images))
    player: Player = "generator" if key.startswith("g_") else "discriminator"
    optimizer = state.g_optimizer if player == "generator" else state.d_optimizer
    correction = adam_correction(plan.options.values(), player) if "betas" in optimizer.defaults else 1.0
    return _rate(optimizer, correction) if key.endswith("_lr") else _betas(optimizer, correction)


def _rate(optimizer: torch.optim.Optimizer, correction: float) -> Put:
    def put(value: Value) -> None:
        for group in optimizer.param_groups:
            group["initial_lr"] = _number(value) * correction  # which the loop makes the rate of the step

    return put


def _betas(optimizer: torch.optim.Optimizer, correction: float) -> Put:
    def put(value: Value) -> None:
        assert isinstance(value, tuple)
        for group in optimizer.param_groups:
            if "betas" in group:
                group["betas"] = tuple(beta**correction for beta in value)
            else:
                group["momentum"] = value[0]

    return put


def _parts(section: str, plan: Plan, state: TrainState, game: Game) -> list[object]:
    """The objects that one component became: a generator is also its average."""
    name = section.partition(".")[2]
    if section == "generator":
        return [state.generator, *([] if state.ema is None else [state.ema])]
    if section.startswith("augment."):
        return [_of_chain(game, name)]
    if section.startswith("regularizers."):
        return [part.regularizer for part in game.regularizers if part.name == name]
    found: dict[str, torch.nn.Module | AnyLoss] = {"discriminator": state.discriminator, "loss": game.loss}
    return [found[section]]


def _of_chain(game: Game, name: str) -> object:
    assert game.augment is not None
    return game.augment.part(name)  # type: ignore[attr-defined]


def _of_parts(path: str, option: str, parts: list[object]) -> Put:
    for part in parts:
        if not hasattr(part, "set_scheduled"):
            raise PluginError(
                f"{path} is said to follow schedules, but what is built of it has no method set_scheduled",
                given=type(part).__name__,
                allowed="set_scheduled(option, value)",
                hint="leave the schedule out, or report this to the authors of the plugin",
            )

    def put(value: Value) -> None:
        for part in parts:
            part.set_scheduled(option, value)  # type: ignore[attr-defined]

    return put


def _number(value: Value) -> float:
    assert not isinstance(value, tuple)
    return value
