"""Which plugins a run was made with, as its manifest knows, and what is missing of them now."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ganzoo.config.schema import COLLECTIONS, SELECTIONS, RunConfig
from ganzoo.errors import CheckpointError, ConfigError, GanzooError, PluginError, UnknownNameError
from ganzoo.registry import FIRST_PARTY, Registry, own_upgrade


def as_it_was(
    registry: Registry, before: Mapping[str, Any], config: RunConfig, *, section: str | None = None
) -> Registry:
    """The registry in which the names of a run mean the components that it was made with.

    Args:
        registry: what is installed now.
        before: the run's manifest.
        config: its configuration.
        section: the only part of it that is needed; all of them unless given.

    Raises:
        PluginError: one of them is not there, or its plugin is broken.
        ConfigError: its plugin is disabled.
    """
    recorded = before.get("components", {})
    named = {where: (kind, name) for where, kind, name in _components(config) if section in (None, where)}
    pinned = registry.pinned({named[where]: recorded[where] for where in named.keys() & recorded.keys()})
    for where, (kind, name) in named.items():
        try:
            pinned.get(kind, name)
        except UnknownNameError as error:
            raise _lost(f"{kind} {name!r}", recorded.get(where), before, registry) or error from None
    return pinned


@contextmanager
def told_of_other_versions(registry: Registry, before: Mapping[str, Any]) -> Iterator[None]:
    """Add to an error about options or weights that a plugin has another version than the run was made with."""
    try:
        yield
    except (ConfigError, CheckpointError) as error:
        if others := _others(before, registry):
            told = f"{_versions(others, before, registry)}; go back to it with: {_installation(others, before)}"
            message = f"{error.message}\n  {told}"
            raise type(error)(message, given=error.given, allowed=error.allowed, hint=error.hint) from error
        raise


def _components(config: RunConfig) -> Iterator[tuple[str, str, str]]:
    """Section, kind and name of each."""
    for section, kind in SELECTIONS.items():
        yield section, kind, getattr(config, section).name
    for section, kind in COLLECTIONS.items():
        for name in getattr(config, section):
            yield f"{section}.{name}", kind, name


def _lost(what: str, recorded: str | None, before: Mapping[str, Any], registry: Registry) -> GanzooError | None:
    """The error that names where a component came from; ``None`` where the manifest of the run cannot tell."""
    providers = [recorded.partition("/")[0]] if recorded else _others(before, registry)
    if not providers:
        return None
    return PluginError(
        f"{what} of this run is not there: {_versions(providers, before, registry)}",
        hint=_installation(providers, before),
    )


def _others(before: Mapping[str, Any], registry: Registry) -> list[str]:
    """The third-party plugins of a run that are not installed in the version that it was made with."""
    installed = _installed(registry)
    return [
        name for name, was in before.get("plugins", {}).items() if name != FIRST_PARTY and installed.get(name) != was
    ]


def _versions(providers: list[str], before: Mapping[str, Any], registry: Registry) -> str:
    """``the run was made with ganzoo-mine 1.0, which is not installed``."""
    installed = _installed(registry)
    told = [
        f"{name} {before.get('plugins', {}).get(name, '')}".rstrip()
        + (f" ({installed[name]} is installed)" if name in installed else ", which is not installed")
        for name in providers
    ]
    return f"the run was made with {' and '.join(told)}"


def _installed(registry: Registry) -> dict[str, str]:
    return {one.source.distribution: one.source.version for one in registry.entry_points}


def _installation(providers: list[str], before: Mapping[str, Any]) -> str:
    """The command that installs the versions that a run was made with."""
    if providers == [FIRST_PARTY]:
        return own_upgrade()
    plugins, requirements = before.get("plugins", {}), before.get("requirements", {})
    wanted = [requirements.get(name, f"{name}=={plugins.get(name)}") for name in providers if name != FIRST_PARTY]
    return f"python -m pip install {' '.join(_quoted(one) for one in wanted)}"


def _quoted(requirement: str) -> str:
    return requirement if requirement.startswith("-e ") else shlex.quote(requirement)
