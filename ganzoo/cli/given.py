"""What a command line gives to each option, before it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from ganzoo.errors import ConfigError

LISTED = {
    "--loss": "losses",
    "--disc": "discriminators",
    "--gen": "generators",
    "--reg": "regularizers",
    "--augment": "augmentations",
    "--metric": "metrics",
    "--extractor": "extractors",
    "--data": "datasets",
    "--tracker": "trackers",
    "--config": "recipes",
}
"""Option → the kind of component that it names, as ``ganzoo list`` shows them."""
CHOICES = "A,B"
"""What help calls the value of an option that takes several, separated by commas."""


def values_given(params: Sequence[Any], arguments: Sequence[str]) -> Iterator[tuple[Any, str, str]]:
    """Each option that takes a value, as it was written, and its value: ``--steps 3`` and ``--steps=3`` alike."""
    takers = {name: param for param in params for name in param.opts if _takes_a_value(param, name)}
    words = iter(arguments)
    for word in words:
        if word == "--":
            return
        name, attached, value = word.partition("=")
        if name in takers and (attached or (value := next(words, ""))):
            yield takers[name], name, value


def _takes_a_value(param: Any, name: str) -> bool:
    return name.startswith("-") and not getattr(param, "is_flag", False)


def refuse_contradictions(ctx: Any, given: list[str]) -> None:
    """Let nothing that was asked for be dropped in silence.

    Raises:
        ConfigError: an option that takes one value is given two that differ, or its value was forgotten: what follows
            is the next option; or choices stand apart.
    """
    params = ctx.command.get_params(ctx)
    for param in params:
        if param.metavar == CHOICES:
            _demand_commas(param.opts[0], given)
    names = {name for param in params for name in param.opts if name.startswith("--")}
    before: dict[str, str] = {}
    for param, option, value in values_given(params, given):
        if value in names:
            raise needs_a_value(option, ctx, given=f"{option} {value}")
        if not param.multiple and before.setdefault(param.name, value) != value:
            raise ConfigError(
                f"{option} is given twice, with different values",
                given=f"{option} {before[param.name]} {option} {value}",
                allowed=f"one {option}",
                hint=f"leave one of them out, for example: {option} {value}",
            )


def _demand_commas(option: str, given: Sequence[str]) -> None:
    """Raise a :class:`ConfigError` for ``--loss hinge bce`` and ``--loss hinge --loss bce``; a path is no choice."""
    written: list[str] = []
    values: list[str] = []
    taking = False
    for word in given:
        name, _, value = word.partition("=")
        taking = name == option or (taking and not word.startswith("-") and not os.path.exists(word))
        written += [word] if taking else []
        values += [value if name == option else word] if taking and word != option else []
    choices = dict.fromkeys(",".join(values).replace(",", " ").split())
    if len(values) > 1 and len(choices) > 1:
        raise ConfigError(
            f"{option} takes several choices in one word: separate them by commas",
            given=" ".join(written),
            allowed=f"{option} {CHOICES}",
            hint=f"{option} {','.join(choices)}",
        )


def needs_a_value(option: str, ctx: Any, *, given: str | None = None) -> ConfigError:
    """The error for an option without its value."""
    [metavar] = [param.metavar for param in ctx.command.get_params(ctx) if option in param.opts]
    hint = f"ganzoo list {LISTED[option]}" if option in LISTED else f"{ctx.command_path} --help"
    return ConfigError(f"{option} needs a value", given=given, allowed=f"{option} {metavar}", hint=hint)
