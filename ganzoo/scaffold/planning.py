"""From the arguments to the plugin that will be written. Names and kinds are checked here."""

from __future__ import annotations

from collections.abc import Sequence

from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.registry import Entry, Registry, parse_kind
from ganzoo.scaffold.names import component_name, distribution_name, short_name
from ganzoo.scaffold.package import ASKED_FOR_BY, NewPlugin, Part

DEFAULT_KINDS = ("loss",)


def planned(
    registry: Registry, name: str, *, kinds: Sequence[str] = DEFAULT_KINDS, component: str | None = None
) -> NewPlugin:
    """The plugin that is meant.

    Args:
        registry: which components there are.
        name: of the distribution.
        kinds: in any form that users type, one component each; ``KIND:NAME`` also says what it is called, so that
            there may be several of a kind.
        component: name of those without one; by default that of the distribution without ``ganzoo-``. Where there are
            several, their names begin with it and end with the kind.

    Raises:
        UnknownNameError: there is no such kind.
        ConfigError: a name that is not possible, or the same component twice.
    """
    distribution = distribution_name(name)
    asked = [_kind_and_name(word) for word in kinds]
    unnamed = [kind for kind, given in asked if not given]
    if repeated := {kind for kind in unnamed if unnamed.count(kind) > 1}:
        raise ConfigError(
            f"--kind {min(repeated)} is given more than once without a name",
            given=" ".join(f"--kind {word}" for word in kinds),
            allowed="each kind once, or KIND:NAME",
            hint=f"--kind {min(repeated)}:one --kind {min(repeated)}:other",
        )
    stem = component or short_name(distribution)
    parts: list[Part] = []
    for kind, given in asked:
        if given:
            part = part_of(registry, distribution, kind, given, said_by=f"--kind {kind}:")
        else:
            part = part_of(registry, distribution, kind, stem if len(unnamed) == 1 else f"{stem}-{kind}")
        if part in parts:
            raise ConfigError(f"the {kind} {part.name} is asked for twice", given=part.name, hint="leave one out")
        parts.append(part)
    return NewPlugin(distribution=distribution, parts=tuple(parts))


def part_of(registry: Registry, distribution: str, kind: str, name: str, *, said_by: str = "--component ") -> Part:
    """A component of a distribution, and the name it has to be asked for by.

    Args:
        registry: which components there are.
        distribution: normalized name.
        kind: canonical.
        name: as the user gave it.
        said_by: what stands before the name on the command line.

    Raises:
        ConfigError: it cannot be called that.
    """
    part_name = component_name(name, kind=kind, said_by=said_by)
    hidden = namesakes(registry, kind, part_name, distribution)
    wanted_as = f"{distribution}/{part_name}" if hidden else part_name
    return Part(kind=kind, name=part_name, wanted_as=wanted_as, said_by=said_by)


def _kind_and_name(word: str) -> tuple[str, str]:
    """``loss:soft-hinge`` → loss, soft-hinge; the name is empty where none is given."""
    kind, separator, name = word.partition(":")
    if separator and not name.strip():
        raise ConfigError(
            "a name is missing behind the colon", given=f"--kind {word}", hint=f"--kind {kind}:soft-hinge"
        )
    return kind_with_template(kind), name.strip()


def namesakes(registry: Registry, kind: str, name: str, distribution: str) -> list[Entry]:
    """Components of other distributions that are called the same."""
    return [entry for entry in registry.entries(kind) if entry.name == name and entry.distribution != distribution]


def kind_with_template(word: str, *, command: str = "new-plugin") -> str:
    """The kind that a word means.

    Raises:
        UnknownNameError: there is no such kind.
    """
    try:
        kind = parse_kind(word).name
    except UnknownNameError as error:
        raise UnknownNameError(
            error.message, given=word, allowed=", ".join(ASKED_FOR_BY), hint=f"ganzoo {command} --help"
        ) from None
    return kind
