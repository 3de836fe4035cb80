"""Train one run of a comparison from where it is, then measure it."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import filelock

from ganzoo import files, launch
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.errors import DataError
from ganzoo.planning.choice import choose
from ganzoo.planning.early_log import early_log
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.checkpoint import step_of
from ganzoo.runs.evaluating import evaluate_run
from ganzoo.runs.run import Run
from ganzoo.screen import Screen
from ganzoo.studies.comparison import Cell, Comparison, measured_by
from ganzoo.studies.grid import CHECKPOINTS
from ganzoo.studies.outcome import outcome_of, run_in, write_evaluation
from ganzoo.training.team import join

WAIT = 120.0
"""Seconds in which a worker that lost its driver has saved its checkpoint."""

Left = Literal["nothing", "all", "some steps", "measuring"]
"""What is to be done for a run."""


def work(comparison: Comparison, cell: Cell, seed: int, *, threads: int, registry: Registry | None = None) -> None:
    """Do what is left to do for one run; with all processes that train it together, the first of which writes.

    Raises:
        DataError: a run that has not begun would not get the data that the comparison was planned with.
        ProcessLostError: another process is gone.
        GanzooError: what :func:`ganzoo.runs.session.start`, ``resume`` and the measuring raise.
    """
    place = comparison.place(cell, seed)
    with files.writing(place, place="--out DIR"):
        place.mkdir(parents=True, exist_ok=True)
    leads = launch.launched()[0] == 0
    # A worker whose driver was killed may still be saving.
    with filelock.FileLock(place / ".worker.lock", timeout=WAIT) if leads else nullcontext():
        team = join(cell.config["runtime"]["device"])  # before what may fail in one process alone
        left = team.first(lambda: _left(place))  # the others may see files that the first has just written
        if left == "nothing":
            return
        registry = registry or Registry.load()
        run = _trained(registry, cell, seed, place, threads, left, leads=leads)
        if leads:
            _measure(registry, comparison, run, place)


def _left(place: Path) -> Left:
    """What is to be done; remainders of a process that was killed are removed."""
    for half in place.glob(".*.partial"):  # of a worker that was killed while it wrote
        half.unlink(missing_ok=True)
    if outcome_of(place).settled:
        return "nothing"
    if (directory := run_in(place)) is None:
        for leftover in [path for path in place.iterdir() if path.is_dir()]:
            shutil.rmtree(leftover)  # of a process that was killed before it trained
        return "all"
    return "measuring" if directory.read_manifest().get("status") == "finished" else "some steps"


def _trained(registry: Registry, cell: Cell, seed: int, place: Path, threads: int, left: Left, *, leads: bool) -> Run:
    console, spread = Screen(stderr=True), ConfigLayer("--jobs", {"runtime.threads": threads})
    if left != "all":
        directory = run_in(place)
        assert directory is not None, "all processes have the same files"
        if left == "some steps":
            session.resume(registry, directory, changes=[spread], console=console)
        elif leads:  # it is left as it is, but for what a killed process left half removed
            directory.sweep()
        return Run(directory.path)
    with early_log() as early:
        own = ConfigLayer("comparison.yaml", flatten(cell.config), verbatim=True)
        plan = make_plan(choose(registry, [own, ConfigLayer("--seeds", {"seed": seed}), spread]))
        _check_data(plan, cell)
        return session.start(plan, out=place, console=console, early=early)


def _check_data(plan: Plan, cell: Cell) -> None:
    """A run that has begun knows its data; one that begins has them compared with those that were planned with."""
    if cell.data in (None, plan.dataset.fingerprint):
        return
    path = plan.config.data.options().get("path")
    raise DataError(
        f"the data of {cell.name}{f' at {path}' if path else ''} have changed since the comparison was planned, or are "
        "others on this machine",
        given=f"fingerprint {plan.dataset.fingerprint[:16]}…, {len(plan.dataset)} items",
        allowed=f"fingerprint {str(cell.data)[:16]}…",
        hint="restore the data, or ask for the comparison again with the data as they are now: that begins a new one",
    )


def _measure(registry: Registry, comparison: Comparison, run: Run, place: Path) -> None:
    asked = comparison.asked
    found = [step_of(path) for path in run.directory.checkpoint_folders()]
    steps = spread_steps(found, every=run.config.train.checkpoint_every)
    evaluation = evaluate_run(registry, run, measured_by(asked), n=asked["n"], step=steps)
    write_evaluation(place, list(evaluation.rows()), evaluation.failed())


def most_checkpoints(train: Mapping[str, Any]) -> int:
    """At how many steps at most a run with this section ``train`` is measured."""
    last = re.fullmatch(r"last (\d+)", train["keep"])
    kept = {"best": 2}.get(train["keep"], int(last[1]) if last else CHECKPOINTS)
    due = CHECKPOINTS if train["steps"] is None else math.ceil(train["steps"] / train["checkpoint_every"])
    return max(1, min(CHECKPOINTS, kept, due))


def spread_steps(steps: Sequence[int], *, every: int, count: int = CHECKPOINTS) -> list[int]:
    """At most so many of the steps, evenly spread, the last one among them; the untrained network is none.

    Checkpoints are due at multiples of ``every``. Others were written when a run was stopped, and are left out, since a
    run that was stopped is measured as one that was not.
    """
    steps = sorted(step for step in steps if step and (step % every == 0 or step == max(steps)))
    count = min(count, len(steps))
    return sorted({steps[round((place + 1) * len(steps) / count) - 1] for place in range(count)})
