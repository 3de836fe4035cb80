"""How file, ``--set`` and flags become one configuration, each value with its origin."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ganzoo.component import KINDS
from ganzoo.config.explanation import explain
from ganzoo.config.finding import refusal
from ganzoo.config.schema import COLLECTIONS, MOVABLE, SCHEDULES, SELECTIONS, SHARED_DATA_KEYS
from ganzoo.config.schema import PLACES as PLACES
from ganzoo.config.schema import RESUMABLE as RESUMABLE
from ganzoo.config.schema import RunConfig as RunConfig
from ganzoo.config.schema import resumable as resumable
from ganzoo.config.yaml_text import read_yaml as read_yaml
from ganzoo.config.yaml_text import to_yaml as to_yaml
from ganzoo.errors import ConfigError

ALTERNATIVES = {
    "train.steps": ("train.epochs",),
    "train.epochs": ("train.steps",),
    "train.minutes": ("train.steps", "train.epochs"),
    "train.ema": ("train.ema_half_life", "schedules.train.ema_half_life"),
    "train.ema_half_life": ("train.ema", "schedules.train.ema"),
    "schedules.train.ema": ("train.ema_half_life", "schedules.train.ema_half_life"),
    "schedules.train.ema_half_life": ("train.ema", "schedules.train.ema"),
}
"""Other ways to say one thing: a layer that says it in one way overrules the layers below that said it in another.

Steps do not overrule minutes: a run that has both ends at whichever comes first. Besides, a number that stays and the
schedule of that number are two ways: see :func:`_others`.
"""

COMMAND_LINE = "--"
"""How origins on the command line begin: with a flag. None overrules another in what that says in another way."""


@dataclass(frozen=True)
class ConfigLayer:
    """Values from one origin: configuration path → value.

    The path ``regularizers`` (any value), or another section that holds several components, says that this layer
    replaces those of the layers below it.
    ``suggestion``: nobody set these values explicitly, so they may go unused without an error.
    ``verbatim``: its components keep the names that are written there, aliases too.
    """

    origin: str
    values: Mapping[str, Any]
    suggestion: bool = False
    verbatim: bool = False


@dataclass(frozen=True)
class Merged:
    """The winning value of each path and the layer it came from.

    Attributes:
        ignored: path → origin of what was set explicitly, and yet replaced as a whole.
    """

    values: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, ConfigLayer] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)

    @property
    def origins(self) -> dict[str, str]:
        """Path → who said so. The path ``regularizers`` stands for the choice of them, and so for its like."""
        return {path: layer.origin for path, layer in self.layers.items()}

    def tree(self) -> dict[str, Any]:
        """The values as the tree a file would hold.

        Raises:
            ConfigError: a path leads through a value.
        """
        tree: dict[str, Any] = {}
        moving = {path: value for path, value in self.values.items() if path.startswith(f"{SCHEDULES}.")}
        plain = self.values | _beginnings(self.values, moving)
        # Shorter paths first: the bare path of a regularizer makes its branch.
        for path, value in sorted(plain.items(), key=lambda item: item[0].count(".")):
            if path in moving:
                _demand_schedule(path, value)
                if value is not None:
                    tree.setdefault(SCHEDULES, {})[path.removeprefix(f"{SCHEDULES}.")] = dict(value)
                continue
            *parents, last = path.split(".")
            branch = tree
            for parent in parents:
                inner = branch.setdefault(parent, {})
                if not isinstance(inner, dict):
                    raise ConfigError(f"{path}: {parent} is a value and has no keys", given=inner)
                branch = inner
            branch[last] = dict(value) if isinstance(value, Mapping) else value
        return tree


def _beginnings(values: Mapping[str, Any], moving: Mapping[str, Any]) -> dict[str, Any]:
    """Path → the first value of its schedule, which is what stands there when the run begins."""
    found: dict[str, Any] = {}
    for path, schedule in moving.items():
        plain = path.removeprefix(f"{SCHEDULES}.")
        points = schedule.get("values") if isinstance(schedule, Mapping) else None
        if _has_a_place(plain, values) and isinstance(points, Sequence) and not isinstance(points, str) and points:
            found[plain] = points[0]
    return found


def _has_a_place(path: str, values: Mapping[str, Any]) -> bool:
    section, _, rest = path.partition(".")
    key = rest.partition(".")[0]
    if section == "train":
        return key in MOVABLE
    return bool(key) and (section in SELECTIONS or f"{section}.{key}" in values)


def merge(layers: Sequence[ConfigLayer]) -> Merged:
    """Later layers win, path by path; options given beside a component that lost its place are left out."""
    chosen = {path: value for layer in layers for path, value in layer.values.items() if path.endswith(".name")}
    merged = Merged()
    for layer in layers:
        for section in COLLECTIONS.keys() & layer.values.keys():
            _replace_collection(merged, layer, section)
        if SCHEDULES in layer.values:
            _drop(merged, [path for path in merged.values if path.startswith(f"{SCHEDULES}.")])
        for path, value in layer.values.items():
            if path in COLLECTIONS or path == SCHEDULES or _of_a_loser(path, layer, chosen):
                continue
            for other in _others(path, value):
                if not _said_together(merged.layers.get(other), layer):
                    _drop(merged, [other])
            merged.values[path] = value
            merged.layers[path] = layer
    return merged


def _drop(merged: Merged, paths: Iterable[str]) -> None:
    for path in paths:
        merged.values.pop(path, None)
        merged.layers.pop(path, None)


def _others(path: str, value: Any) -> tuple[str, ...]:
    """What a path overrules in the layers below. A schedule that is switched off leaves the number that stays."""
    if path.startswith(f"{SCHEDULES}."):
        return () if value is None else (path.removeprefix(f"{SCHEDULES}."), *ALTERNATIVES.get(path, ()))
    said = value is not None or path == "train.ema"  # null is no average, and not: nothing said
    return (f"{SCHEDULES}.{path}", *(ALTERNATIVES.get(path, ()) if said else ()))


def _said_together(one: ConfigLayer | None, other: ConfigLayer) -> bool:
    return one is other or (one is not None and all(at.origin.startswith(COMMAND_LINE) for at in (one, other)))


def _of_a_loser(path: str, layer: ConfigLayer, chosen: Mapping[str, Any]) -> bool:
    section, _, key = path.removeprefix(f"{SCHEDULES}.").partition(".")
    if section not in SELECTIONS or (section == "data" and key in SHARED_DATA_KEYS):
        return False
    name = f"{section}.name"
    return name in layer.values and layer.values[name] != chosen[name]


def _replace_collection(merged: Merged, layer: ConfigLayer, section: str) -> None:
    kept = {path.split(".")[1] for path in layer.values if path.startswith(f"{section}.")}
    for path in [path for path in merged.values if path.startswith(f"{section}.")]:
        if path.split(".")[1] not in kept:
            loser = merged.layers.pop(path)
            del merged.values[path]
            # A layer that had its own say on the whole set is overruled; one that added to it asked for this.
            if section not in loser.values and not loser.suggestion:
                merged.ignored[path] = loser.origin
    moving = [path for path in merged.values if path.startswith(f"{SCHEDULES}.{section}.")]
    _drop(merged, [path for path in moving if path.split(".")[2] not in kept])
    merged.layers[section] = layer


def flatten(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A nested mapping as path → value, shorthands written out: ``loss: hinge`` is ``loss.name``.

    Raises:
        ConfigError: a section that must hold keys holds something else.
    """
    flat: dict[str, Any] = {}
    for section, content in tree.items():
        name = section_name(str(section))
        if name in COLLECTIONS:
            flat |= {name: True, **_flatten_collection(name, content)}
        elif name == SCHEDULES:
            flat |= _flatten_schedules(content)
        elif name in SELECTIONS and not isinstance(content, Mapping):
            flat[f"{name}.name"] = content
        elif isinstance(content, Mapping):
            flat |= {canonical_path(f"{name}.{key}"): value for key, value in content.items()}
        elif name not in ("train", "eval", "runtime"):
            flat[name] = content
        elif content is not None:
            raise ConfigError(
                f"section {name!r} must be a mapping", given=content, allowed=f"{name}: {{key: value, …}}"
            )
    return flat


def leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Path → value of every value in a nested mapping; an empty mapping counts as a value, and so does a schedule."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        inner = isinstance(value, Mapping) and value and prefix != f"{SCHEDULES}."
        found |= leaves(value, f"{path}.") if inner else {path: value}
    return found


def _flatten_collection(section: str, content: Any) -> dict[str, Any]:
    if content in (None, "none"):
        return {}
    if isinstance(content, str):
        content = [content]
    if isinstance(content, Sequence) and all(isinstance(name, str) for name in content):
        content = {name: {} for name in content}
    if not isinstance(content, Mapping):
        raise ConfigError(
            f"{section} must be a list of names, or a mapping of names to options",
            given=content,
            allowed="none, a name, a list of names, or {NAME: {OPTION: VALUE}}",
            hint=f"ganzoo list {COLLECTIONS[section]}s",
        )
    flat: dict[str, Any] = {}
    for name, options in content.items():
        flat |= _flatten_member(section, str(name), options)
    return flat


def _flatten_schedules(content: Any) -> dict[str, Any]:
    if content in (None, "none", {}):
        return {SCHEDULES: True}
    if not isinstance(content, Mapping):
        raise ConfigError(f"{SCHEDULES} must be a mapping of keys to schedules", given=content, allowed=_A_SCHEDULE)
    flat = {canonical_path(f"{SCHEDULES}.{path}"): schedule for path, schedule in content.items()}
    for path, schedule in flat.items():
        _demand_schedule(path, schedule)
    return flat


_A_SCHEDULE = "for example {images: [0, 1.0e+6], values: [1.0e-3, 1.0e-4], shape: cosine}"


def _demand_schedule(path: str, schedule: Any) -> None:
    if schedule is not None and not isinstance(schedule, Mapping):
        raise ConfigError(
            f"{path} must be a schedule, which is a mapping, or null for none",
            given=schedule,
            allowed=_A_SCHEDULE,
            hint="for a number that stays, set its own key, as in --set train.g_lr=3e-4",
        )


def _flatten_member(section: str, name: str, options: Any) -> dict[str, Any]:
    path = canonical_path(f"{section}.{name}")
    if options is not None and not isinstance(options, Mapping):
        raise ConfigError(f"{path} must be a mapping of options", given=options, allowed="for example {weight: 10}")
    # The bare path keeps a component that has no option.
    return {path: {}} | {canonical_path(f"{path}.{key}"): value for key, value in (options or {}).items()}


def section_name(word: str) -> str:
    """The section a user means: ``disc`` and ``discriminators`` are ``discriminator``."""
    for kind in KINDS:
        if kind.section and kind.answers_to(word):
            return kind.section
    return word


def canonical_path(path: str) -> str:
    """Whole-word section, names with ``-``, keys with ``_``: ``disc.n-layers`` is ``discriminator.n_layers``."""
    section, *rest = path.strip().split(".")
    section = section_name(section)
    if section == SCHEDULES and rest:
        return f"{SCHEDULES}.{canonical_path('.'.join(rest))}"
    if section in COLLECTIONS and rest:
        return ".".join([section, rest[0].replace("_", "-"), *(key.replace("-", "_") for key in rest[1:])])
    return ".".join([section, *(key.replace("-", "_") for key in rest)])


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """``PATH=VALUE`` strings as path → value: JSON where it parses, else the raw text. The last one of a path counts.

    Raises:
        ConfigError: no ``=``, an empty part in the path, or a section that is given something else than its keys.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        written, separator, text = assignment.partition("=")
        path = canonical_path(written)
        if not separator or not all(path.split(".")):
            raise ConfigError(
                "--set needs PATH=VALUE",
                given=assignment,
                allowed="a key of the configuration and its value",
                hint="for example --set train.sample_every=100",
            )
        value = _parsed(text)
        if path in COLLECTIONS:
            values = {other: kept for other, kept in values.items() if not other.startswith(f"{path}.")}
        if "." not in path:
            values |= flatten({path: value})
        elif path.partition(".")[0] in COLLECTIONS and path.count(".") == 1:
            section, _, name = path.partition(".")
            values |= _flatten_member(section, name, value)
        elif path.startswith(f"{SCHEDULES}."):
            _demand_schedule(path, value)
            values[path] = value
        else:
            values[path] = value
    return values


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # no JSON, a number of more digits than Python reads, or nested too deeply
        return text


def validate(merged: Merged) -> RunConfig:
    """The configuration, or one error with every finding.

    Raises:
        ConfigError: unknown keys (with the nearest known one) or values of the wrong type or range.
    """
    try:
        return RunConfig.model_validate(merged.tree())
    except ValidationError as error:
        raise refusal(explain(error, RunConfig, origins=merged.origins)) from None
