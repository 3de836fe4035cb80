"""Which of the installed plugins the user wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ganzoo.did_you_mean import did_you_mean
from ganzoo.registry.discovery import FIRST_PARTY, Source, normalized
from ganzoo.registry.problem import Problem

ALLOW = "GANZOO_PLUGINS"
"""Environment variable: comma-separated distributions that may be loaded; empty means first-party only."""

DENY = "GANZOO_DISABLE_PLUGINS"
"""Environment variable: comma-separated distributions that are not loaded; it overrules :data:`ALLOW`."""


@dataclass(frozen=True, kw_only=True)
class SelectedPlugins:
    """The entry points to load, and the distributions left out with what left them out."""

    chosen: list[Source] = field(default_factory=list)
    disabled: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def select(sources: Sequence[Source], *, plugins: bool, environ: Mapping[str, str]) -> SelectedPlugins:
    """Apply ``--no-plugins`` (``plugins=False``) and the two environment variables. First-party always stays."""
    third_parties = {source.distribution for source in sources if not source.first_party}
    disabled = {} if plugins else dict.fromkeys(third_parties, "--no-plugins")
    allowed = _names(environ[ALLOW]) if ALLOW in environ else None
    denied = _names(environ.get(DENY, ""))
    for distribution in sorted(third_parties - disabled.keys()):
        if distribution in denied:
            disabled[distribution] = DENY
        elif allowed is not None and distribution not in allowed:
            disabled[distribution] = ALLOW
    problems = [
        problem
        for variable, names in ((ALLOW, allowed or []), (DENY, denied))
        for name in names
        if (problem := _misplaced(variable, name, third_parties))
    ]
    chosen = [source for source in sources if source.distribution not in disabled]
    return SelectedPlugins(chosen=chosen, disabled=disabled, problems=problems)


def _names(value: str) -> list[str]:
    return [normalized(word) for word in value.split(",") if word.strip()]


def _misplaced(variable: str, name: str, third_parties: set[str]) -> Problem | None:
    """A name in a variable that has no effect there would otherwise go unnoticed."""
    if name in third_parties or (name == FIRST_PARTY and variable == ALLOW):
        return None
    if name == FIRST_PARTY:
        message = f"{variable} names it, but first-party components cannot be disabled"
    else:
        known = ", ".join(sorted(third_parties)) or "none"
        suggestion = did_you_mean(name, third_parties)
        message = f"{variable} names it, but it is not an installed plugin (installed: {known}){suggestion}"
    return Problem(
        distribution=name,
        version="",
        entry_point="",
        stage="selection",
        message=message,
        severity="warning",
        fixes=(f"remove {name} from {variable}",),
    )
