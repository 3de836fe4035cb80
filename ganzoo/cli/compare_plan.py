"""``ganzoo compare --dry-run``: the combinations, what is refused, and how long it would take."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from ganzoo.cli.context import console
from ganzoo.cli.durations import duration
from ganzoo.evaluation.judging_cost import JudgingCost, judging_cost
from ganzoo.evaluation.measuring import yardstick
from ganzoo.evaluation.sampling import chunks, ready
from ganzoo.planning.plan import Plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.runs.evaluating import measured_later
from ganzoo.screen import Screen, say
from ganzoo.studies.comparison import Cell, Definition, measured_by
from ganzoo.studies.grid import Planned, budget_in_words
from ganzoo.studies.working import most_checkpoints
from ganzoo.training.estimate import estimate
from ganzoo.training.setup import Setup

PIECE = 128
"""Samples by which a generator is timed."""

SHORTER = "--steps N or --minutes N, --seeds N; metrics alone: -n N, --metric NAME"
"""What makes a comparison take less time."""


@dataclass(frozen=True)
class GridPlan:
    """What would be done.

    Attributes:
        cells: name, reason of a refusal, and seconds of training of one run.
        runs: how many there are.
        budget: in words.
        seconds: of training, of all of them.
        evaluation: seconds of measuring all of them.
        unknown: metrics that are not in it, and why.
        jobs: so many at once.
        processes: so many train each run together; the times are those of one.
    """

    cells: list[dict[str, Any]]
    runs: int
    budget: str
    seconds: float
    evaluation: float
    unknown: Mapping[str, str]
    jobs: int
    processes: int = 1

    def print(self, *, as_json: bool) -> None:
        """Show it on stdout."""
        if as_json:
            content = {
                "cells": self.cells,
                "runs": self.runs,
                "budget": self.budget,
                "estimated_seconds": self.seconds,
                "estimated_evaluation_seconds": self.evaluation,
                "not_estimated": dict(self.unknown),
                "processes": self.processes,
            }
            say(json.dumps(content, indent=2))
            return
        screen = console()
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        table.add_column("combination", overflow="fold")
        table.add_column("one run", overflow="fold")
        for cell in self.cells:
            table.add_row(cell["name"], _one_run(cell))
        screen.print(table)
        screen.print(f"budget: {self.budget}", soft_wrap=True)
        self.print_time(screen)

    def print_time(self, screen: Screen) -> None:
        """Show how long all of it takes, and what makes it shorter."""
        at_once = "one after another" if self.jobs == 1 else f"{self.jobs} at once, if that slows none of them down"
        total = f"about {duration(self.seconds)} of training and {duration(self.evaluation)} of metrics"
        runs = "1 run" if self.runs == 1 else f"{self.runs} runs"
        screen.print(f"{runs}, {at_once}: {total}", soft_wrap=True)
        for name, why in self.unknown.items():
            screen.print(f"note: the time of {name} is not in it: {why}", soft_wrap=True)
        if self.processes > 1:
            screen.print(f"note: so long takes one process; {self.processes} together were not timed", soft_wrap=True)
        screen.print(f"shorter: {SHORTER}", soft_wrap=True)


def _one_run(cell: Mapping[str, Any]) -> str:
    if cell["seconds"] is None:
        return f"refused: {cell['reason']}"
    return f"{duration(cell['seconds'])}, then {duration(cell['evaluation_seconds'])} of metrics"


def measured(
    registry: Registry,
    planned: Sequence[Planned],
    definition: Definition,
    *,
    jobs: int,
    tell: Callable[[str], None],
) -> GridPlan:
    """Measure a few real steps and small pieces of the evaluation of each combination.

    ``tell`` hears what is measured now.
    """
    words = budget_in_words([one.cell for one in planned], definition)
    costs: dict[tuple[str | None, bool], JudgingCost] = {}
    seconds: list[float | None] = []
    evaluation: list[float | None] = []
    for one in planned:
        if one.plan is None:
            seconds.append(None)
            evaluation.append(None)
            continue
        tell(f"measuring steps and metrics of {one.cell.name} …")
        setup = assemble(one.plan)
        seconds.append(_seconds(one, setup))
        kind = one.cell.data, one.plan.spec.conditional
        if kind not in costs:
            costs[kind] = _judging(registry, definition, one.cell, labeled=one.plan.spec.conditional)
        evaluation.append(_evaluation(one.plan, one.cell, setup, costs[kind]))
    cells = [
        {"name": one.cell.name, "reason": one.cell.reason, "seconds": took, "evaluation_seconds": judged}
        for one, took, judged in zip(planned, seconds, evaluation, strict=True)
    ]
    runs = definition.seeds * sum(1 for took in seconds if took is not None)
    at_once = min(jobs, runs)
    once = sum({data: cost.once for (data, _), cost in costs.items()}.values())
    return GridPlan(
        cells=cells,
        runs=runs,
        budget=words,
        seconds=definition.seeds * sum(took or 0.0 for took in seconds) / at_once,
        evaluation=once + definition.seeds * sum(took or 0.0 for took in evaluation) / at_once,
        unknown={name: why for cost in costs.values() for name, why in cost.unknown.items()},
        jobs=jobs,
        processes=definition.processes,
    )


def _seconds(one: Planned, setup: Setup) -> float | None:
    """Training time of one run."""
    train = one.cell.config["train"]
    limit = None if train["minutes"] is None else 60.0 * float(train["minutes"])
    if train["steps"] is None:
        return limit
    seconds = float(estimate(setup).seconds_per_step * train["steps"])
    return seconds if limit is None else min(limit, seconds)


def _judging(registry: Registry, definition: Definition, cell: Cell, *, labeled: bool) -> JudgingCost:
    subject = measured_later(registry, cell.config, measured_by(definition.plain()), labeled=labeled)
    return judging_cost(yardstick(subject, n=definition.n))


def _evaluation(plan: Plan, cell: Cell, setup: Setup, cost: JudgingCost) -> float:
    """Seconds of measuring one run at its checkpoints, without what is looked at once for all runs."""
    averaged = setup.state.averaged()
    begun = time.perf_counter()
    network = ready(averaged, plan.spec, uniform=plan.config.train.uniform_labels)
    warmed = time.perf_counter()
    count = min(cost.samples, PIECE)
    for _ in chunks(network, plan.spec, count, labels=None, seed=0):
        pass
    per_sample = (time.perf_counter() - warmed) / count
    each = warmed - begun + per_sample * cost.samples + cost.per_checkpoint
    return cost.per_run + most_checkpoints(cell.config["train"]) * each
