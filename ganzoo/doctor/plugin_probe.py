"""What loading every plugin comes to, told to the process that asks: ``python -m ganzoo.doctor.plugin_probe``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from ganzoo.catalog.inventory import PluginRow, counts, plugin_rows
from ganzoo.component import FILES
from ganzoo.doctor.child import tell
from ganzoo.doctor.diagnosis import Diagnosis
from ganzoo.errors import GanzooError
from ganzoo.registry import DENY, FIRST_PARTY, Entry, Problem, Registry, full_traceback


def loading_checks(*, plugins: bool = True) -> Iterator[Diagnosis]:
    """Load them in this process: every plugin that works or was left out, every problem, and what components lack."""
    registry = Registry.load(plugins=plugins)
    own = [entry for entry in registry.entries() if entry.first_party]
    yield Diagnosis(section="plugins", name=FIRST_PARTY, status="ok", text=f"{len(own)} components")
    for row in plugin_rows(registry):
        if row["status"] in ("ok", "disabled") and row["distribution"] != FIRST_PARTY:
            yield _of_row(row)
    yield from map(_of_problem, registry.problems)
    others = [entry for entry in registry.entries() if not entry.first_party and not entry.missing()]
    yield from filter(None, map(_broken, others))
    for entry in registry.entries():
        if missing := entry.missing():
            yield Diagnosis(
                section="optional packages",
                name=f"{entry.kind} {registry.shortest(entry)}",
                status="note",
                text=f"needs {', '.join(missing)}, which is not installed",
                fixes=(entry.installation(),),
            )


def leave_out(distribution: str) -> str:
    """What to do to go on without a plugin."""
    return f"disable it: {DENY}={','.join(filter(None, [os.environ.get(DENY), distribution]))}"


def _of_row(row: PluginRow) -> Diagnosis:
    return Diagnosis(
        section="plugins",
        name=row["distribution"],
        status="note" if row["status"] == "disabled" else "ok",
        text=f"{row['version']}: {row['message'] or counts(row) or 'no components'}",
    )


def _of_problem(problem: Problem) -> Diagnosis:
    failed = problem.severity == "failure"
    without = (leave_out(problem.distribution),) if failed and problem.distribution != FIRST_PARTY else ()
    return Diagnosis(
        section="plugins",
        name=problem.distribution,
        status="fault" if failed else "note",
        text=": ".join(filter(None, [problem.version, problem.finding])),
        fixes=problem.fixes + without,
        traceback=problem.traceback,
    )


def _broken(entry: Entry) -> Diagnosis | None:
    """A fault, if what a component's record names cannot be loaded."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            entry.file_text() if entry.kind in FILES else entry.options()
    except GanzooError as error:
        return Diagnosis(
            section="plugins",
            name=entry.qualified,
            status="fault",
            text=error.message,
            fixes=(entry.reinstall, "report it to its authors"),
            traceback=full_traceback(error.__cause__) if error.__cause__ else "",
        )
    return None


if __name__ == "__main__":
    tell(loading_checks())
