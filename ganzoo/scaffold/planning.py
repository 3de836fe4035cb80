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
        kinds: in any form that users type, one component each.
        component: its name; by default that of the distribution without ``ganzoo-``. Where there are several kinds,
            their names begin with it and end with the kind.

    Raises:
        UnknownNameError: there is no such kind.
        ConfigError: a name that is not possible, a kind without a template, or the same kind twice.
    """
    distribution = distribution_name(name)
    asked = [_kind_with_template(word) for word in kinds]
    if repeated := {kind for kind in asked if asked.count(kind) > 1}:
        raise ConfigError(
            f"--kind {min(repeated)} is given more than once",
            given=" ".join(f"--kind {kind}" for kind in kinds),
            allowed="each kind once",
            hint="create one, then copy its file, its test and its record",
        )
    stem = component or short_name(distribution)
    parts = []
    for kind in asked:
        part_name = component_name(stem if len(asked) == 1 else f"{stem}-{kind}", kind=kind)
        hidden = namesakes(registry, kind, part_name, distribution)
        wanted_as = f"{distribution}/{part_name}" if hidden else part_name
        parts.append(Part(kind=kind, name=part_name, wanted_as=wanted_as))
    return NewPlugin(distribution=distribution, parts=tuple(parts))


def namesakes(registry: Registry, kind: str, name: str, distribution: str) -> list[Entry]:
    """Components of other distributions that are called the same."""
    return [entry for entry in registry.entries(kind) if entry.name == name and entry.distribution != distribution]


def _kind_with_template(word: str) -> str:
    try:
        kind = parse_kind(word).name
    except UnknownNameError as error:
        raise UnknownNameError(
            error.message, given=word, allowed=", ".join(ASKED_FOR_BY), hint="ganzoo new-plugin --help"
        ) from None
    if kind not in ASKED_FOR_BY:
        raise ConfigError(
            f"no template for the kind {kind}: nothing uses it yet",
            given=word,
            allowed=", ".join(ASKED_FOR_BY),
            hint="to measure samples, use: ganzoo new-plugin NAME --kind metric",
        )
    return kind
