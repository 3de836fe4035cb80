"""``ganzoo runs``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from ganzoo.cli.context import console
from ganzoo.cli.run import Json, OldRuns, Runs, runs_folder
from ganzoo.program import as_started
from ganzoo.runs.listing import ListedRun, listed_runs
from ganzoo.runs.place import runs_flag
from ganzoo.screen import Text, say

WIDTH = 100
COLORS = {"running": "cyan", "finished": "green", "interrupted": "yellow", "killed": "yellow"}
BAD = "red"
EXAMPLES = """\
Examples:
  ganzoo runs
  ganzoo runs --runs experiments
  ganzoo runs --json
"""


def runs_command(runs: Runs = None, out: OldRuns = None, as_json: Json = False) -> None:
    """List the runs of a folder: status, steps, data, parts, time since the start, size on disk.

    A run is "killed" if it should be running and no process holds it; ganzoo resume continues it.
    """
    folder = runs_folder(runs, out)
    found = listed_runs(folder)
    if as_json:
        say(json.dumps([_row(one) for one in found], indent=2))
    elif found:
        screen = console()
        screen.print(_table(found), width=min(screen.width, WIDTH) if screen.is_terminal else WIDTH)
    else:
        start = f"ganzoo run{runs_flag(folder)}"
        say(as_started(f"there are no runs in {folder}/; start one with: {start}"), err=True)


def _row(run: ListedRun) -> dict[str, Any]:
    age = run.age()
    return {
        "number": run.number,
        "path": str(run.path),
        "status": run.status,
        "step": run.step,
        "steps": run.steps,
        "data": run.data,
        "parts": list(run.parts),
        "started": run.started,
        "ended": run.ended,
        "age": None if age is None else round(age),
        "size": run.size,
    }


def _table(found: Sequence[ListedRun]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name, justify in (("run", "right"), ("status", "left"), ("step", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("data", overflow="fold", max_width=20)
    table.add_column("parts", overflow="fold", ratio=1)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    for run in found:
        table.add_row(
            str(run.number),
            Text(run.status, style=COLORS.get(run.status, BAD)),
            f"{_counted(run.step)} of {_counted(run.steps)}",
            run.data or "–",
            " ".join(run.parts) or "–",
            ago(run.age()),
            bytes_in_words(run.size),
        )
    return table


def _counted(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def ago(seconds: float | None) -> str:
    """``45 s``, ``12 min``, ``3 h``, ``9 d``."""
    if seconds is None:
        return "–"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds / length)} {unit}"
    return f"{max(0, int(seconds))} s"


def bytes_in_words(count: int) -> str:
    """``812 B``, ``1.4 MB``, ``23 GB``: powers of 1,000, as file managers and shops count."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 9.95 else f"{size:.1f} {unit}"
