"""Which plugins are installed and what they came to: a row for each entry point, and lines that pip installs again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ganzoo.component import KINDS
from ganzoo.registry import Outcome, Problem, Registry

_PLURALS = {kind.name: kind.plural for kind in KINDS}


@dataclass(frozen=True, kw_only=True)
class PluginRow:
    """A row of ``ganzoo plugins``.

    Attributes:
        distribution: normalized name.
        version: of the distribution.
        entry_point: its name; empty where the metadata of a distribution are at fault.
        api: the ``GANZOO_API`` it declares, ``None`` if none was seen.
        components: pairs of kind and name.
        import_ms: milliseconds that importing it took, ``None`` if it was not tried.
        status: ``ok``, ``warning``, ``failed`` or ``disabled``.
        message: the reason, in one line.
        first_party: whether it is part of ganzoo itself.
    """

    distribution: str
    version: str
    entry_point: str = ""
    api: int | str | None = None
    components: tuple[tuple[str, str], ...] = ()
    import_ms: float | None = None
    status: str
    message: str = ""
    first_party: bool = False

    @property
    def counts(self) -> str:
        """The number of components by kind: ``2 losses, 1 generator``."""
        counted = Counter(kind for kind, _ in self.components)
        return ", ".join(f"{number} {kind if number == 1 else _PLURALS[kind]}" for kind, number in counted.items())

    def as_json(self) -> dict[str, Any]:
        """The row for programs."""
        row = asdict(self)
        del row["first_party"]
        row["components"] = [{"kind": kind, "name": name} for kind, name in self.components]
        return row


def plugin_rows(registry: Registry) -> list[PluginRow]:
    """A row for each entry point and for each distribution with faulty metadata; ganzoo's own come first."""
    rows = [_of_outcome(outcome) for outcome in registry.outcomes]
    rows += [_of_metadata(problem) for problem in registry.problems if problem.stage == "metadata"]
    return sorted(rows, key=lambda row: (not row.first_party, row.distribution))


def requirements(registry: Registry) -> list[str]:
    """Lines of a requirements file that install ganzoo and the third-party plugins, as they are now, again.

    Broken and disabled plugins are among them. What has unreadable metadata gets a comment.
    """
    sources = {outcome.source.distribution: outcome.source for outcome in registry.outcomes}
    ordered = sorted(sources.values(), key=lambda source: (not source.first_party, source.distribution))
    return [source.origin.pinned for source in ordered] + _comments(registry.problems)


def _comments(problems: Sequence[Problem]) -> list[str]:
    unreadable = [problem for problem in problems if problem.stage == "metadata" and problem.severity == "failure"]
    return [f"# {problem.distribution} {problem.version}: {problem.message}" for problem in unreadable]


def _of_outcome(outcome: Outcome) -> PluginRow:
    source = outcome.source
    return PluginRow(
        distribution=source.distribution,
        version=source.version,
        entry_point=source.entry_point.name,
        api=outcome.api,
        components=tuple((entry.kind, entry.name) for entry in outcome.entries),
        import_ms=None if outcome.import_ms is None else round(outcome.import_ms, 2),
        status=outcome.status,
        message=outcome.message,
        first_party=source.first_party,
    )


def _of_metadata(problem: Problem) -> PluginRow:
    return PluginRow(
        distribution=problem.distribution,
        version=problem.version,
        status="failed" if problem.severity == "failure" else problem.severity,
        message=f"{problem.stage}: {problem.message}",
    )
