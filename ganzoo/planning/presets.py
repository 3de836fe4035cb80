"""``ganzoo.adversary``: critics with the settings of a published work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from inspect import signature
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from ganzoo.config.explanation import explain
from ganzoo.config.finding import refusal
from ganzoo.config.preset import OptimizerConfig, PresetConfig
from ganzoo.config.yaml_text import read_yaml
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import ConfigError
from ganzoo.planning.building import build
from ganzoo.planning.own_critics import Adversary
from ganzoo.planning.own_shape import demand_channels, sample_shape, shape_explained
from ganzoo.planning.preset_hints import of_preset
from ganzoo.protocols import DataSpec
from ganzoo.registry import Entry, Registry

CHANGES = frozenset(signature(Adversary.__init__).parameters) - {"self", "shape"}


def adversary(
    preset: str, *, shape: tuple[int, ...], condition_channels: int | None = None, **changes: Any
) -> Adversary:
    """Critics with the settings of a published work: ``ganzoo.adversary("vqgan", shape=(3, 256, 256))``.

    ``ganzoo info vqgan`` says where the numbers come from, and what differs from the source.

    Args:
        preset: its name, as in ``ganzoo list presets``.
        shape: of a sample, (C, …), without a condition.
        condition_channels: of the condition, for presets whose critics see one.
        changes: arguments of :class:`ganzoo.Adversary`, in place of the preset's. A critic in ``discriminators`` may be
            a module or ``{"name": NAME, OPTION: VALUE}``, and ``optimizer`` a mapping as in the preset's file.

    Raises:
        UnknownNameError: nobody provides the preset, or a component.
        ConfigError: something is not what it should be.
    """
    if not isinstance(preset, str):
        raise ConfigError(
            "ganzoo.adversary takes the name of a preset; critics go into ganzoo.Adversary",
            given=type(preset).__name__,
            allowed="a name, as in: ganzoo list presets",
            hint='ganzoo.Adversary(critic, loss="hinge")',
        )
    return adversary_of(
        Registry.load().get("preset", preset), shape=shape, condition_channels=condition_channels, **changes
    )


def adversary_of(
    entry: Entry, *, shape: tuple[int, ...], condition_channels: int | None = None, **changes: Any
) -> Adversary:
    """:func:`adversary` of a preset that is at hand."""
    given = settings(entry).model_dump(exclude={"version"})
    if unknown := sorted(set(changes) - CHANGES):
        raise ConfigError(
            f"{unknown[0]} is not an argument of an adversary{did_you_mean(unknown[0], sorted(CHANGES))}",
            given=", ".join(unknown),
            allowed=", ".join(sorted(CHANGES)),
        )
    shape = sample_shape(shape)
    demand_channels(shape)
    spec = _spec(entry, shape, condition_channels, conditional=given.pop("condition"))
    named = given["discriminators"]
    given = _with_changes(given, changes)
    if isinstance(given["discriminators"], Mapping) and not isinstance(given["discriminators"], nn.Module):
        channels, *size = spec.shape
        joined = DataSpec(shape=(given.get("pac", 1) * channels, *size))  # what a critic of joined samples sees
        with shape_explained(shape):
            given["discriminators"] = {
                name: _critic(name, one, joined, usual=named.get(name, {}).get("name", "patchgan"))
                for name, one in given["discriminators"].items()
            }
    if isinstance(given["optimizer"], Mapping):
        given["optimizer"] = _optimizer(given["optimizer"])
    return Adversary(**given, shape=spec.shape)


def _with_changes(preset: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The preset's arguments with others in their place; what belonged to one that is gone goes with it."""
    given = {**preset, **changes}
    gone = {
        "balance_options": "balance" in changes,
        "generator_loss": "loss" in changes,
        "regularizers": isinstance(changes.get("loss"), str | Mapping) and not preset["regularizers"],  # as it suggests
    }
    for name, is_gone in gone.items():
        if is_gone and name not in changes:
            given[name] = None
    if "discriminators" in changes and "critic_weights" not in changes and isinstance(given["discriminators"], Mapping):
        kept = given["discriminators"].keys()
        given["critic_weights"] = {name: weight for name, weight in given["critic_weights"].items() if name in kept}
    return given


def settings(entry: Entry) -> PresetConfig:
    """What a preset's file says.

    Raises:
        ConfigError: it is not valid.
        PluginError: it cannot be read.
    """
    origin = f"preset {entry.name}"
    tree = read_yaml(entry.file_text(), origin)
    try:
        return PresetConfig.model_validate(tree)
    except ValidationError as error:
        raise refusal(explain(error, PresetConfig, section=origin)) from None


def _spec(entry: Entry, shape: tuple[int, ...], condition_channels: int | None, *, conditional: bool) -> DataSpec:
    if conditional and condition_channels is None:
        raise ConfigError(
            f"the critics of preset {entry.name} see a condition beside the data, so its channels must be known",
            given="condition_channels=None",
            allowed="a whole number; 0 for critics that see the data alone",
            hint=f'ganzoo.adversary("{entry.name}", shape={shape}, condition_channels=3)',
        )
    channels, *size = shape
    return DataSpec(shape=(channels + (condition_channels or 0), *size))


def _critic(name: str, given: Any, spec: DataSpec, *, usual: str) -> Any:
    if not isinstance(given, Mapping) or isinstance(given, nn.Module):
        return given  # Adversary says what it is, if not a module
    if "name" not in given:
        raise ConfigError(
            f"critic {name} is given by options without the name of a discriminator",
            given=f"discriminators={ {name: dict(given)} }".replace("'", '"'),
            allowed='a module, or {"name": NAME, OPTION: VALUE}',
            hint="discriminators=" + repr({name: {"name": usual, **given}}).replace("'", '"'),
        )
    options = {option: value for option, value in given.items() if option != "name"}
    try:
        return build("discriminator", given["name"], spec=spec, **options)
    except ConfigError as error:
        error.hint = error.hint and of_preset(error.hint, name, given)
        raise


def _optimizer(given: Mapping[str, Any]) -> Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]:
    try:
        chosen = OptimizerConfig.model_validate(given)
    except ValidationError as error:
        fix = 'optimizer={"name": "adam", "lr": 2e-4}'
        raise refusal(explain(error, OptimizerConfig, section="optimizer", fix=fix)) from None
    maker = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[chosen.name]
    return partial(maker, **chosen.model_dump(exclude={"name"}))
