"""Which plugins there are, what is wrong with them, and what they lack."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ganzoo.health.check import Check, CheckStatus
from ganzoo.inventory import plugin_rows
from ganzoo.registry import Problem, Registry
from ganzoo.registry.discovery import FIRST_PARTY
from ganzoo.registry.selection import DENY


def plugin_checks(*, plugins: bool = True) -> Iterator[Check]:
    """Every plugin that works or was left out, every problem, and what components lack."""
    registry = Registry.load(plugins=plugins)
    own = [row for row in plugin_rows(registry) if row.first_party]
    text = f"{sum(len(row.components) for row in own)} components from {len(own)} entry points"
    yield Check(section="plugins", name=FIRST_PARTY, status="ok", text=text)
    for row in plugin_rows(registry):
        if row.status in ("ok", "disabled") and not row.first_party:
            status: CheckStatus = "note" if row.status == "disabled" else "ok"
            text = row.message if row.status == "disabled" else row.counts or "no components"
            yield Check(section="plugins", name=row.distribution, status=status, text=f"{row.version}: {text}")
    yield from map(_problem, registry.problems)
    for entry in registry.entries():
        if missing := entry.missing():
            yield Check(
                section="optional packages",
                name=f"{entry.kind} {registry.shortest(entry)}",
                status="note",
                text=f"needs {', '.join(missing)}, which is not installed",
                fixes=(entry.installation(),),
            )


def _problem(problem: Problem) -> Check:
    failed = problem.severity == "failure"
    fixes = list(problem.fixes)
    if failed and problem.distribution != FIRST_PARTY:
        denied = ",".join(filter(None, [os.environ.get(DENY), problem.distribution]))
        fixes.append(f"leave it out: {DENY}={denied}")
    return Check(
        section="plugins",
        name=problem.distribution,
        status="fault" if failed else "note",
        text=str(problem).removeprefix(f"plugin {problem.distribution}").lstrip(" :"),
        fixes=tuple(fixes),
        traceback=problem.traceback,
    )
