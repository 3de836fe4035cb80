"""What a name means: exact names, aliases, qualified names, clashes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from ganzoo.component import KINDS, Kind
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import ConfigError, PluginError, UnknownNameError
from ganzoo.registry.discovery import installed, normalized
from ganzoo.registry.entry import Entry
from ganzoo.registry.loaded import LoadedEntryPoint
from ganzoo.registry.loading import Loader
from ganzoo.registry.problem import Problem
from ganzoo.registry.records import spelled
from ganzoo.registry.selection import select

if TYPE_CHECKING:
    from ganzoo.options import Options

Status = Literal["ok", "shadowed", "ambiguous", "missing", "deprecated"]
"""``shadowed``, ``ambiguous``: write ``distribution/name`` for it. ``missing``: a required package is absent."""

_KIND_ORDER = {kind.name: number for number, kind in enumerate(KINDS)}


def parse_kind(word: str) -> Kind:
    """The kind a user means by a name, plural or short form.

    Raises:
        UnknownNameError: no kind answers to the word.
    """
    for kind in KINDS:
        if kind.answers_to(word.strip().lower()):
            return kind
    words = [form for kind in KINDS for form in (kind.name, kind.plural, *kind.short)]
    raise UnknownNameError(
        f"there is no kind of component called {word!r}{did_you_mean(word, words)}",
        given=word,
        allowed=f"{', '.join(kind.plural for kind in KINDS)}, or the singular",
        hint="ganzoo list",
    )


class Registry:
    """The components of all loaded plugins, and the problems of those that did not load.

    Args:
        entries: components in the order of loading.
        problems: what is wrong with plugins.
        disabled: distributions that were left out on purpose → what left them out.
        entry_points: what each entry point came to, in the order of loading, those left out on purpose last.
        pinned: kind and name → the qualified name that is meant, whatever else is installed by now.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        problems: Iterable[Problem] = (),
        disabled: Mapping[str, str] | None = None,
        entry_points: Iterable[LoadedEntryPoint] = (),
        pinned: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._entries = sorted(entries, key=lambda entry: (_KIND_ORDER[entry.kind], entry.name, not entry.first_party))
        self._of_kind = {kind: list(each) for kind, each in groupby(self._entries, lambda entry: entry.kind)}
        self.problems = tuple(problems)
        self.disabled = dict(disabled or {})
        self.entry_points = tuple(entry_points)
        self._pinned = dict(pinned or {})

    @classmethod
    def load(cls, *, strict: bool = False, plugins: bool = True, environ: Mapping[str, str] = os.environ) -> Registry:
        """Load the installed plugins.

        Args:
            strict: raise at the first problem that is more than a note.
            plugins: ``False`` leaves out third parties.
            environ: where ``GANZOO_PLUGINS`` and ``GANZOO_DISABLE_PLUGINS`` are looked up.

        Raises:
            PluginError: with ``strict`` only.
        """
        loader = Loader(strict=strict)
        sources, problems = installed()
        selection = select(sources, plugins=plugins, environ=environ)
        loader.report([problem for problem in problems if problem.distribution not in selection.disabled])
        loader.report(selection.problems)
        entry_points = [loader.load(source) for source in selection.chosen]
        entry_points += [
            LoadedEntryPoint(source=source, disabled_by=selection.disabled[source.distribution])
            for source in sources
            if source.distribution in selection.disabled
        ]
        return cls(loader.entries, problems=loader.problems, disabled=selection.disabled, entry_points=entry_points)

    def pinned(self, names: Mapping[tuple[str, str], str]) -> Registry:
        """The same, with names that mean one component alone: kind and name → its qualified name."""
        return Registry(
            self._entries,
            problems=self.problems,
            disabled=self.disabled,
            entry_points=self.entry_points,
            pinned={**self._pinned, **names},
        )

    def entries(self, kind: str | None = None) -> list[Entry]:
        """All components, or those of one kind, by kind and name."""
        wanted = None if kind is None else parse_kind(kind).name
        return [entry for entry in self._entries if wanted in (None, entry.kind)]

    def get(self, kind: str, name: str) -> Entry:
        """The component that ``name`` means: a name, an alias, or ``distribution/name``; ``_`` reads as ``-``.

        A first-party component keeps its short name and an alias never hides a name.

        Raises:
            UnknownNameError: nobody provides it.
            ConfigError: two third parties do.
            PluginError: the requested distribution is broken.
        """
        wanted = parse_kind(kind)
        name = self._pinned.get((wanted.name, name), name)
        candidates = self._candidates(wanted.name, name)
        if not candidates:
            raise self._unknown(wanted, name)
        if len(candidates) > 1:
            qualified = [entry.qualified for entry in candidates]
            raise ConfigError(
                f"{len(candidates)} plugins provide a {wanted.name} called {name!r}",
                given=name,
                allowed=", ".join(qualified),
                hint=f"say which one you mean, for example {qualified[0]}",
            )
        self._warn_if_deprecated(candidates[0])
        return candidates[0]

    def find(self, name: str) -> list[Entry]:
        """The components that ``name`` means, one or none of each kind.

        Raises:
            UnknownNameError, ConfigError, PluginError: as :meth:`get`.
        """
        kinds = [kind for kind in KINDS if self._candidates(kind.name, name)]
        if not kinds:
            raise self._unknown(None, name)
        return [self.get(kind.name, name) for kind in kinds]

    def options(self, kind: str, name: str) -> type[Options]:
        """The options class of a component; see :meth:`get` and :meth:`Entry.options`."""
        return self.get(kind, name).options()

    def file_text(self, name: str) -> str:
        """The YAML text of a recipe; see :meth:`get` and :meth:`Entry.file_text`."""
        return self.get("recipe", name).file_text()

    def shortest(self, entry: Entry) -> str:
        """The shortest name that means ``entry`` among its kind: its own, or the qualified one."""
        return entry.name if self._candidates(entry.kind, entry.name) == [entry] else entry.qualified

    def aliases(self, entry: Entry) -> list[str]:
        """Those of its aliases that mean ``entry``: one that another component has may not."""
        return [alias for alias in entry.component.aliases if self._candidates(entry.kind, alias) == [entry]]

    def status(self, entry: Entry) -> Status:
        """What a user should know of ``entry`` before asking for it."""
        if entry.missing():
            return "missing"
        namesakes = self._candidates(entry.kind, entry.name)
        if namesakes != [entry]:
            return "ambiguous" if entry in namesakes else "shadowed"
        return "deprecated" if entry.component.deprecated_for else "ok"

    def _candidates(self, kind: str, name: str) -> list[Entry]:
        """What a name may mean: one entry, several where third parties clash, or none."""
        distribution, _, short = name.rpartition("/")
        wanted = spelled(short)
        entries = self._of_kind.get(kind, [])
        if distribution:
            entries = [entry for entry in entries if entry.distribution == normalized(distribution)]
        named = [entry for entry in entries if entry.name == wanted]
        found = named or [entry for entry in entries if wanted in map(spelled, entry.component.aliases)]
        return [entry for entry in found if entry.first_party] or found

    def _unknown(self, kind: Kind | None, name: str) -> ConfigError | PluginError:
        distribution = normalized(name.rpartition("/")[0])
        failures = [problem for problem in self.problems if problem.severity == "failure"]
        for problem in failures:
            # A package with one component mostly calls its entry point so, too.
            called_so = problem.entry_point and spelled(problem.entry_point) == spelled(name)
            if called_so or problem.distribution == distribution:
                return PluginError(str(problem), given=name, hint="ganzoo doctor")
        if distribution in self.disabled:
            return ConfigError(f"plugin {distribution} is disabled by {self.disabled[distribution]}", given=name)
        entries = self._entries if kind is None else self.entries(kind.name)
        known = {self.shortest(entry) for entry in entries}
        known.update(alias for entry in entries for alias in self.aliases(entry))
        what = "component" if kind is None else kind.name
        message = f"there is no {what} called {name!r}{did_you_mean(name, known)}"
        if kind and (elsewhere := [other.name for other in KINDS if self._candidates(other.name, name)]):
            found = " and ".join(map(_with_article, elsewhere))
            message = f"{name!r} is {found}, not {_with_article(kind.name)}"
        for problem in failures:
            where = f"entry point {problem.entry_point!r} of " if problem.entry_point else ""
            message += f"\n  not searched: {where}{problem.distribution} {problem.version}, which failed to load"
        hint = f"ganzoo list {kind.plural}" if kind else "ganzoo list"
        allowed = ", ".join(sorted({self.shortest(entry) for entry in entries})) if kind else None
        return UnknownNameError(message, given=name, allowed=allowed, hint=hint)

    def _warn_if_deprecated(self, entry: Entry) -> None:
        if replacement := entry.component.deprecated_for:
            entry.warn_once(f"{entry.kind} {entry.name!r} is deprecated; use {replacement!r}")


def _with_article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
