"""What varies between the cells of a comparison: axes, each with its choices."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.config.layers import flatten, parse_assignments
from ganzoo.errors import ConfigError

COMPONENTS = ("loss", "discriminator", "generator")
NETWORKS = {"discriminator": "D", "generator": "G"}
REGULARIZERS = "regularizers"
OPENING, CLOSING = "[{", "]}"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One thing that varies.

    Attributes:
        name: ``loss``, ``discriminator``, ``generator``, ``regularizers``, or a path such as ``train.d_lr``.
        choices: names of components; of regularizers also several joined by ``+``, or ``none``; values of a path.
    """

    name: str
    choices: tuple[Any, ...]

    def values(self, choice: Any) -> dict[str, Any]:
        """What a choice sets: path → value."""
        if self.name in COMPONENTS:
            return {f"{self.name}.name": choice}
        if self.name == REGULARIZERS:
            return flatten({REGULARIZERS: None if choice == "none" else str(choice).split("+")})
        return parse_assignments([f"{self.name}={json.dumps(choice)}"])

    def word(self, choice: Any) -> str:
        """What a choice is called in the name of a cell."""
        if self.name in (*COMPONENTS, REGULARIZERS):
            return str(choice)
        return f"{self.name}={choice if isinstance(choice, str) else json.dumps(choice)}"


def products(axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """Every combination: axis → choice; the last axis varies fastest."""
    names = [axis.name for axis in axes]
    return [dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*(axis.choices for axis in axes))]


def split_choices(text: str) -> list[str]:
    """The parts of ``a,b``; commas inside brackets, braces and double quotes belong to a JSON value.

    ``[0,0.9],[0.5,0.9]`` is two lists, and ``[0,0.9]`` is one.
    """
    parts, depth, quoted, escaped = [""], 0, False, False
    for letter in text:
        if quoted:
            quoted, escaped = letter != '"' or escaped, letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        depth += 0 if quoted else (letter in OPENING) - (letter in CLOSING)
        if letter == "," and not quoted and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def split_assignments(assignments: Sequence[str]) -> tuple[dict[str, Any], list[Axis]]:
    """``--set PATH=VALUE`` as settings of all cells, and ``--set PATH=A,B`` as axes.

    Raises:
        ConfigError: an assignment that cannot be read, or choices of more than one value.
    """
    settings: dict[str, Any] = {}
    axes: dict[str, Axis] = {}
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        choices = [parse_assignments([f"{path}{separator}{part}"]) for part in split_choices(text)]
        if len(choices) == 1:
            settings |= choices[0]
            continue
        names = {name for chosen in choices for name in chosen}
        if len(names) != 1:
            raise ConfigError(
                f"--set {path} has several choices, and each sets more than one value",
                given=assignment,
                allowed="choices of a single value",
                hint="--set PATH=A,B",
            )
        (name,) = names
        axes[name] = Axis(name=name, choices=tuple(chosen[name] for chosen in choices))
    return settings, list(axes.values())


def in_words(parts: Mapping[str, Any], axes: Sequence[Axis]) -> str:
    """``hinge + patchgan-sn``: the name of a cell. Where D and G share a name, each is called by its letter too."""
    named = {axis.name: set(axis.choices) for axis in axes if axis.name in NETWORKS}
    alike = len(named) == len(NETWORKS) and bool(set.intersection(*named.values()))
    return " + ".join(
        f"{NETWORKS[axis.name]} {parts[axis.name]}" if alike and axis.name in NETWORKS else axis.word(parts[axis.name])
        for axis in axes
    )
