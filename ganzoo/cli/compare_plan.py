"""``ganzoo compare --dry-run``: the combinations, what is refused, and how long it would take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from ganzoo.cli.context import console
from ganzoo.cli.dry_run_page import duration
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.screen import say
from ganzoo.studies.comparison import Definition
from ganzoo.studies.grid import Planned, budget_in_words, plan_cells
from ganzoo.training.estimate import estimate


@dataclass(frozen=True)
class GridPlan:
    """What would be done.

    Attributes:
        cells: name, reason of a refusal, and seconds of training of one run.
        runs: how many there are.
        budget: in words.
        seconds: of training, of all of them.
        jobs: so many at once.
    """

    cells: list[dict[str, Any]]
    runs: int
    budget: str
    seconds: float
    jobs: int

    def print(self, *, as_json: bool) -> None:
        """Show it on stdout."""
        if as_json:
            content = {"cells": self.cells, "runs": self.runs, "budget": self.budget, "estimated_seconds": self.seconds}
            say(json.dumps(content, indent=2))
            return
        screen = console()
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        table.add_column("combination", overflow="fold")
        table.add_column("one run", overflow="fold")
        for cell in self.cells:
            refused = f"refused: {cell['reason']}"
            table.add_row(cell["name"], refused if cell["seconds"] is None else duration(cell["seconds"]))
        screen.print(table)
        screen.print(f"budget: {self.budget}", soft_wrap=True)
        at_once = "one after another" if self.jobs == 1 else f"{self.jobs} at once, if that slows none of them down"
        total = f"about {duration(self.seconds)} of training, and metrics"
        runs = "1 run" if self.runs == 1 else f"{self.runs} runs"
        screen.print(f"{runs}, {at_once}: {total}", soft_wrap=True)


def measured(registry: Registry, definition: Definition, *, jobs: int) -> GridPlan:
    """Plan every combination, and measure a few real steps of each."""
    planned = plan_cells(registry, definition)
    words = budget_in_words([one.cell for one in planned], definition)
    seconds = [_seconds(one) for one in planned]
    cells = [
        {"name": one.cell.name, "reason": one.cell.reason, "seconds": took}
        for one, took in zip(planned, seconds, strict=True)
    ]
    runs = definition.seeds * sum(1 for took in seconds if took is not None)
    total = definition.seeds * sum(took or 0.0 for took in seconds) / min(jobs, runs)
    return GridPlan(cells=cells, runs=runs, budget=words, seconds=total, jobs=jobs)


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
