"""How components are named in code: by name, or by name with options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganzoo.errors import ConfigError

Chosen = str | Mapping[str, Any]
"""A component: its name, or ``{"name": NAME, OPTION: VALUE}``."""
ChosenParts = str | Mapping[str, Any] | Iterable[Chosen]
"""Any number of them: names, ``{NAME: {OPTION: VALUE}}``, or a list of either form of :data:`Chosen`."""

EXAMPLES = {
    "loss": 'loss={"name": "margin-hinge", "margin_real": 0.5}',
    "regularizer": 'regularizers={"r1": {"weight": 10}}',
    "augmentation": 'augment={"ada": {"target": 0.6}}',
}
"""Kind → what to write."""


def one(kind: str, chosen: Any) -> tuple[str, dict[str, Any]]:
    """The name of a component and its options.

    Raises:
        ConfigError: it has no name.
    """
    if isinstance(chosen, str):
        return chosen, {}
    if isinstance(chosen, Mapping) and isinstance(chosen.get("name"), str):
        return chosen["name"], {key: value for key, value in chosen.items() if key != "name"}
    raise ConfigError(
        f"a {kind} is given by its name",
        given=repr(chosen),
        allowed='a name, or {"name": NAME, OPTION: VALUE}',
        hint=EXAMPLES[kind],
    )


def several(kind: str, chosen: Any) -> list[tuple[str, dict[str, Any]]]:
    """Names with options, in order; ``None`` is none of them.

    Raises:
        ConfigError: something is no name, or its options are no mapping.
    """
    if chosen is None:
        return []
    if isinstance(chosen, str) or (isinstance(chosen, Mapping) and isinstance(chosen.get("name"), str)):
        return [one(kind, chosen)]
    if isinstance(chosen, Mapping):
        return [_with_options(kind, name, options) for name, options in chosen.items()]
    if isinstance(chosen, Iterable):
        return [one(kind, part) for part in chosen]
    raise ConfigError(
        f"any number of {kind}s are given by their names",
        given=repr(chosen),
        allowed="a name, a list of names, or {NAME: {OPTION: VALUE}}",
        hint=EXAMPLES[kind],
    )


def _with_options(kind: str, name: Any, options: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(name, str) and isinstance(options, Mapping | None):
        return name, dict(options or {})
    raise ConfigError(
        f"the options of a {kind} are a mapping" if isinstance(name, str) else f"a {kind} is given by its name",
        given=repr({name: options}),
        allowed="{NAME: {OPTION: VALUE}}, with {} for the defaults",
        hint=EXAMPLES[kind],
    )
