"""Loads plugins one by one, so that none can take another one, or the program, down with it."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint

import pluggy

from ganzoo import hookspecs
from ganzoo.component import API_VERSION
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import PluginError
from ganzoo.hookspecs import GROUP
from ganzoo.registry.discovery import Source
from ganzoo.registry.entry import Entry
from ganzoo.registry.problem import Problem, Refused, Severity, Stage, full_traceback, one_line
from ganzoo.registry.records import checked

HOOK = "ganzoo_components"


class Loader:
    """Loads entry points into one plugin manager and gathers their components and problems.

    Args:
        strict: raise :class:`PluginError` at the first problem that is more than a note.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []
        self._strict = strict
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)

    def load(self, source: Source) -> None:
        """Load one entry point: its components are added, or one problem says why none is."""
        stage: Stage = "import"
        torch_was_loaded = "torch" in sys.modules
        try:
            # Standard output carries data: a plugin that prints must not spoil `--json`.
            with contextlib.redirect_stdout(sys.stderr):
                plugin = source.entry_point.load()
                stage = "api version"
                _check_api_version(plugin)
                stage = "hook names"
                self._register(plugin, source)
                stage = "records"
                entries, notes = self._entries(plugin, source)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() in a plugin must not end ganzoo
            self._forget(source)
            self._add(_failure(source, stage, error), error)
            return
        self.entries += entries
        for note in notes:
            self._add(_remark(source, "records", note, severity="note"))
        if not torch_was_loaded and "torch" in sys.modules:
            message = "importing the plugin imports torch, which slows every command; import it in the component's file"
            self._add(_remark(source, "import", message, severity="warning"))

    def report(self, problems: Iterable[Problem]) -> None:
        """Add problems found before anything was loaded."""
        for problem in problems:
            self._add(problem)

    def _register(self, plugin: object, source: Source) -> None:
        if self._manager.has_plugin(source.name):
            raise Refused(f"its distribution announces two entry points called {source.entry_point.name!r}")
        if self._manager.is_registered(plugin):
            raise Refused(f"{source.entry_point.value!r} is already loaded as {self._manager.get_name(plugin)}")
        _check_hook_names(plugin)
        self._manager.register(plugin, name=source.name)

    def _entries(self, plugin: object, source: Source) -> tuple[list[Entry], list[str]]:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        answers = self._manager.subset_hook_caller(HOOK, others)()
        if not answers:
            raise Refused(f"{HOOK}() returned None instead of Component records")
        components, notes = checked(record for answer in answers for record in _records(answer))
        taken = {(entry.kind, entry.name): entry for entry in self.entries if entry.distribution == source.distribution}
        for component in components:
            if other := taken.get((component.kind, component.name)):
                raise Refused(f"{component.kind} {component.name!r} is also in its entry point {other.entry_point!r}")
        entries = [
            Entry(
                component=component,
                distribution=source.distribution,
                version=source.version,
                entry_point=source.entry_point.name,
            )
            for component in components
        ]
        return entries, notes

    def _forget(self, source: Source) -> None:
        """A failed plugin leaves no trace in the manager. Older pluggy registers before it validates."""
        plugin = self._manager.get_plugin(source.name)
        if plugin is not None and all(entry_source(entry) != source.name for entry in self.entries):
            self._manager.unregister(name=source.name)

    def _add(self, problem: Problem, error: BaseException | None = None) -> None:
        self.problems.append(problem)
        if self._strict and problem.severity != "note":
            hint = f"mend it, or leave it out: GANZOO_DISABLE_PLUGINS={problem.distribution}"
            raise PluginError(str(problem), hint=hint) from error
