"""Which plugins are installed and what they came to: a row for each entry point, and lines that pip installs again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

from ganzoo.component import KINDS
from ganzoo.registry import FIRST_PARTY, LoadedEntryPoint, Problem, Registry

_PLURALS = {kind.name: kind.plural for kind in KINDS}


class PluginRow(TypedDict):
    """A row of ``ganzoo plugins``, as ``--json`` prints it.

    Attributes:
        distribution: normalized name.
        version: of the distribution; empty where nothing of that name is installed.
        entry_point: its name; empty where the metadata of a distribution or a name in a variable are at fault.
        api: the ``GANZOO_API`` it declares, ``None`` if none was seen.
        components: each with its ``kind`` and ``name``.
        import_ms: milliseconds that importing it took, ``None`` if it was not tried.
        status: ``ok``, ``warning``, ``failed`` or ``disabled``.
        message: the reason, in one line.
    """

    distribution: str
    version: str
    entry_point: str
    api: int | str | None
    components: list[dict[str, str]]
    import_ms: float | None
    status: str
    message: str


def counts(row: PluginRow) -> str:
    """The number of components by kind: ``2 losses, 1 generator``."""
    counted = Counter(component["kind"] for component in row["components"])
    return ", ".join(f"{number} {kind if number == 1 else _PLURALS[kind]}" for kind, number in counted.items())


def plugin_rows(registry: Registry) -> list[PluginRow]:
    """A row for each entry point and for each problem that has none; ganzoo's own come first."""
    rows = [_of_entry_point(one) for one in registry.entry_points]
    rows += [_of_problem(problem) for problem in registry.problems if not problem.entry_point]
    return sorted(rows, key=lambda row: (row["distribution"] != FIRST_PARTY, row["distribution"]))


def requirements(registry: Registry) -> list[str]:
    """Lines of a requirements file that install ganzoo and the third-party plugins, as they are now, again.

    Broken and disabled plugins are among them. What has unreadable metadata gets a comment.
    """
    sources = {one.source.distribution: one.source for one in registry.entry_points}
    ordered = sorted(sources.values(), key=lambda source: (not source.first_party, source.distribution))
    return [source.origin.pinned for source in ordered] + _comments(registry.problems)


def _comments(problems: Sequence[Problem]) -> list[str]:
    unreadable = [problem for problem in problems if problem.stage == "metadata" and problem.severity == "failure"]
    return [f"# {problem.distribution} {problem.version}: {problem.message}" for problem in unreadable]


def _of_entry_point(loaded: LoadedEntryPoint) -> PluginRow:
    return PluginRow(
        distribution=loaded.source.distribution,
        version=loaded.source.version,
        entry_point=loaded.source.entry_point.name,
        api=loaded.api,
        components=[{"kind": entry.kind, "name": entry.name} for entry in loaded.entries],
        import_ms=None if loaded.import_ms is None else round(loaded.import_ms, 2),
        status=loaded.status,
        message=loaded.message,
    )


def _of_problem(problem: Problem) -> PluginRow:
    return PluginRow(
        distribution=problem.distribution,
        version=problem.version,
        entry_point="",
        api=None,
        components=[],
        import_ms=None,
        status="failed" if problem.severity == "failure" else problem.severity,
        message=f"{problem.stage}: {problem.message}",
    )
