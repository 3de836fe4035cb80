"""``ganzoo compare --dry-run``: the combinations, what is refused, and how long it would take."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from typing import Any

from rich.table import Table

from ganzoo.cli.context import console
from ganzoo.cli.dry_run_page import duration
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.studies.comparison import Definition
from ganzoo.studies.grid import Planned, budget_in_words, plan_cells
from ganzoo.training.estimate import estimate


def show_plan(registry: Registry, definition: Definition, *, jobs: int, as_json: bool) -> None:
    """Print what would be done; measures a few real steps of each combination."""
    planned = plan_cells(registry, definition)
    cells = [one.cell for one in planned]
    words = budget_in_words(cells, definition)
    rows = [{"name": one.cell.name, "reason": one.cell.reason, "seconds": _seconds(one)} for one in planned]
    runs = definition.seeds * len([one for one in planned if one.plan is not None])
    total = definition.seeds * sum(_seconds_of(row) for row in rows) / min(jobs, runs)
    with redirect_stdout(sys.__stdout__ or sys.stdout):
        if as_json:
            print(json.dumps({"cells": rows, "runs": runs, "budget": words, "estimated_seconds": total}, indent=2))
        else:
            _print(rows, runs, words, total, jobs)


def _seconds_of(row: dict[str, Any]) -> float:
    return float(row["seconds"] or 0.0)


def _seconds(one: Planned) -> float | None:
    """Training time of one run."""
    if one.plan is None:
        return None
    train = one.cell.config["train"]
    limit = None if train["minutes"] is None else 60.0 * float(train["minutes"])
    if train["steps"] is None:
        return limit
    seconds = float(estimate(assemble(one.plan)).seconds_per_step * train["steps"])
    return seconds if limit is None else min(limit, seconds)


def _print(rows: list[dict[str, Any]], runs: int, words: str, total: float, jobs: int) -> None:
    screen = console()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("combination", overflow="fold")
    table.add_column("one run", overflow="fold")
    for row in rows:
        table.add_row(row["name"], f"refused: {row['reason']}" if row["seconds"] is None else duration(row["seconds"]))
    screen.print(table)
    screen.print(f"budget: {words}", soft_wrap=True)
    at_once = "one after another" if jobs == 1 else f"{jobs} at once, if that slows none of them down"
    screen.print(f"{runs} runs, {at_once}: about {duration(total)} of training, and metrics", soft_wrap=True)
