"""Loads plugins one by one, so that none can take another one, or the program, down with it."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pluggy

from ganzoo import hookspecs
from ganzoo.component import API_VERSION
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import PluginError
from ganzoo.hookspecs import GROUP
from ganzoo.registry.discovery import Source, own_upgrade
from ganzoo.registry.entry import Entry
from ganzoo.registry.loaded import LoadedEntryPoint
from ganzoo.registry.problem import Problem, Refused, Severity, Stage, full_traceback, one_line
from ganzoo.registry.records import checked
from ganzoo.registry.undisturbed import undisturbed

HOOK = "ganzoo_components"


@dataclass(kw_only=True)
class _Progress:
    """How far the loading of an entry point has come, and what is known of it by then."""

    stage: Stage = "import"
    import_ms: float | None = None
    api: int | str | None = None


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

    def load(self, source: Source) -> LoadedEntryPoint:
        """Load one entry point: its components are added, or one problem says why none is."""
        progress = _Progress()
        before = len(self.problems)
        entries = self._isolated(source, progress)
        self.entries += entries
        return LoadedEntryPoint(
            source=source,
            api=progress.api,
            import_ms=progress.import_ms,
            entries=tuple(entries),
            problems=tuple(self.problems[before:]),
        )

    def _isolated(self, source: Source, progress: _Progress) -> list[Entry]:
        torch_was_loaded = "torch" in sys.modules
        already_registered = self._manager.has_plugin(source.name)
        try:
            # Standard output carries data: a plugin that prints must not spoil `--json`.
            with undisturbed() as disturbed, contextlib.redirect_stdout(sys.stderr):
                entries, notes = self._through_all_stages(source, progress)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() in a plugin must not end ganzoo
            if self._manager.has_plugin(source.name) and not already_registered:
                self._manager.unregister(name=source.name)
            self._add(_failure(source, progress.stage, error), error)
            return []
        for note in notes:
            self._add(_remark(source, "records", note, severity="note", fixes=(own_upgrade(),)))
        if disturbed:
            message = f"importing the plugin changes {', '.join(disturbed)} for the whole process; put back"
            self._add(_remark(source, "import", message, severity="warning", fixes=_newest(source)))
        if not torch_was_loaded and "torch" in sys.modules:
            message = "importing the plugin imports torch, which slows every command; import it in the component's file"
            self._add(_remark(source, "import", message, severity="warning", fixes=_newest(source)))
        return entries

    def _through_all_stages(self, source: Source, progress: _Progress) -> tuple[list[Entry], list[str]]:
        value = source.entry_point.value
        if not source.entry_point.pattern.match(value):
            raise Refused(f"{value!r} is not module:attribute")
        started = time.perf_counter()
        try:
            plugin = source.entry_point.load()
        finally:
            progress.import_ms = 1000 * (time.perf_counter() - started)
        progress.stage = "api version"
        progress.api = _declared_api(plugin)
        _check_api_version(plugin)
        progress.stage = "hook names"
        self._register(plugin, source)
        progress.stage = "records"
        return self._entries(plugin, source)

    def report(self, problems: Iterable[Problem]) -> None:
        """Add problems found before anything was loaded."""
        for problem in problems:
            self._add(problem)

    def _register(self, plugin: object, source: Source) -> None:
        if self._manager.has_plugin(source.name):
            raise Refused(f"its distribution declares two entry points called {source.entry_point.name!r}")
        if self._manager.is_registered(plugin):
            already = f"{source.entry_point.value!r} is already loaded as {self._manager.get_name(plugin)}"
            raise Refused(already, fix=source.origin.uninstall)
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
                raise Refused(
                    f"{component.kind} {component.name!r} is also declared in its entry point {other.entry_point!r}"
                )
        origin = source.origin
        entries = [
            Entry(
                component=component,
                distribution=source.distribution,
                version=source.version,
                entry_point=source.entry_point.name,
                origin=origin,
            )
            for component in components
        ]
        return entries, notes

    def _add(self, problem: Problem, error: BaseException | None = None) -> None:
        self.problems.append(problem)
        if self._strict and problem.severity != "note":
            hint = f"ganzoo doctor, or disable it: GANZOO_DISABLE_PLUGINS={problem.distribution}"
            raise PluginError(str(problem), hint=hint) from error


def _failure(source: Source, stage: Stage, error: BaseException) -> Problem:
    message = one_line(error)
    if isinstance(error, ModuleNotFoundError) and error.name and _within(source.entry_point.module, error.name):
        message += f"; its metadata is stale, reinstall or uninstall {source.distribution}"
    problem = _remark(source, stage, message, severity="failure", fixes=_fixes(source, error))
    return dataclasses.replace(problem, traceback="" if isinstance(error, Refused) else full_traceback(error))


def _fixes(source: Source, error: BaseException) -> tuple[str, ...]:
    if isinstance(error, Refused) and error.fix:
        return (error.fix,)
    if isinstance(error, ModuleNotFoundError) and error.name:
        if _within(source.entry_point.module, error.name):
            return (source.origin.reinstall, source.origin.uninstall)
        package, _, inner = error.name.partition(".")
        if package == "ganzoo":
            return (own_upgrade(),)
        upgrade = "--upgrade " if inner else ""
        return (f"python -m pip install {upgrade}{package}  # an import name; the package name may differ",)
    return _newest(source)


def _newest(source: Source) -> tuple[str, ...]:
    return (source.origin.upgrade, "report it to its authors")


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _remark(source: Source, stage: Stage, message: str, *, severity: Severity, fixes: tuple[str, ...]) -> Problem:
    return Problem(
        distribution=source.distribution,
        version=source.version,
        entry_point=source.entry_point.name,
        stage=stage,
        message=message,
        severity=severity,
        fixes=fixes,
    )


def _declared_api(plugin: object) -> int | str | None:
    version = getattr(plugin, "GANZOO_API", None)
    return version if version is None or isinstance(version, int) else repr(version)


def _check_api_version(plugin: object) -> None:
    version = getattr(plugin, "GANZOO_API", None)
    if version is None:
        raise Refused(f"it does not declare GANZOO_API; this ganzoo supports GANZOO_API = {API_VERSION}")
    if version != API_VERSION:
        other = f"it is written for GANZOO_API = {version!r}; this ganzoo supports GANZOO_API = {API_VERSION}"
        newer = isinstance(version, int) and version > API_VERSION
        raise Refused(other, fix=own_upgrade() if newer else "")


def _check_hook_names(plugin: object) -> None:
    """Every hook must exist: pluggy itself ignores a misspelt one, or fails for all plugins together."""
    implemented = False
    for attribute in dir(plugin):
        value = inspect.getattr_static(plugin, attribute, None)
        options = _hook_options(value)
        if options is not None:
            hook = str(options.get("specname") or attribute)
            _check_implementation(hook, value, options)
            implemented = implemented or hook == HOOK
        elif attribute.startswith("ganzoo_") and inspect.isroutine(value):
            suggestion = "" if attribute == HOOK else did_you_mean(attribute, [HOOK])
            raise Refused(f"{attribute}() is not marked with @ganzoo.hookspecs.hookimpl{suggestion}")
    if not implemented:
        raise Refused(f"it does not implement a hook; expected @hookimpl def {HOOK}()")


def _check_implementation(hook: str, value: object, options: Mapping[str, object]) -> None:
    if hook != HOOK and not options.get("optionalhook"):
        raise Refused(f"there is no hook {hook!r}{did_you_mean(hook, [HOOK])}")
    if not inspect.isroutine(value):
        raise Refused(f"{hook} is marked as a hook but is not a function")
    if options.get("wrapper") or options.get("hookwrapper"):
        raise Refused(f"{hook}() is a wrapper; a plugin can only return its own records, not change those of others")


def _hook_options(value: object) -> Mapping[str, object] | None:
    """What ``hookimpl`` wrote on a function, or ``None``. Looks statically: some objects answer to every attribute."""
    for holder in (value, getattr(value, "__func__", None) if isinstance(value, staticmethod | classmethod) else None):
        options = inspect.getattr_static(holder, f"{GROUP}_impl", None)
        if isinstance(options, dict):
            return options
    return None


def _records(answer: object) -> Iterator[object]:
    if isinstance(answer, Mapping | str) or not isinstance(answer, Iterable):
        raise Refused(f"{HOOK}() returned {type(answer).__name__} instead of Component records")
    yield from answer
