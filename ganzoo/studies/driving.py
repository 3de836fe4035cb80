"""Runs of a comparison in processes of their own, some at once, until all are done."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ganzoo import cores
from ganzoo.runs.interruption import stoppable
from ganzoo.studies.comparison import Cell, Comparison
from ganzoo.studies.outcome import RunOutcome, forget_failure, outcome_of, write_failure

ATTEMPTS = 3
"""So often a run whose process was killed goes on by itself."""
POLL = 0.1
"""Seconds between two looks at the processes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One run of a comparison; each is only itself, so that it can be looked up."""

    cell: Cell
    seed: int

    def __str__(self) -> str:
        """For people."""
        return f"{self.cell.name}, seed {self.seed}"


Tell = Callable[[Job, str, int, int], None]
"""Hears of a job, what it does now or what became of it, how many are done, and how many there are."""


def open_jobs(comparison: Comparison) -> list[Job]:
    """What is left to do, the first seed of all cells before the second of any; failures are tried again."""
    jobs = [Job(cell=cell, seed=seed) for seed in comparison.seeds for cell in comparison.possible]
    return [job for job in jobs if not outcome_of(comparison.place(job.cell, job.seed)).settled]


def drive(comparison: Comparison, *, jobs: int, tell: Tell, after: Callable[[], object]) -> None:
    """Do what is left to do.

    Args:
        comparison: what is computed.
        jobs: processes at once; threads are divided among them.
        tell: hears what happens.
        after: called after each run.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; every run has saved a checkpoint.
    """
    todo = open_jobs(comparison)
    for job in todo:
        forget_failure(comparison.place(job.cell, job.seed))
    total = len(comparison.seeds) * len(comparison.possible)
    done, attempts = total - len(todo), dict.fromkeys(todo, 0)
    threads, environment = cores.divided(jobs)
    with stoppable() as stop, _processes() as running:
        while todo or running:
            if stop.signal_number is not None:
                _stop(running)
                raise stop.error(
                    f"stopped with {done} of {total} runs done; the others saved a checkpoint",
                    hint=f"ganzoo compare {comparison.word}",
                )
            while todo and len(running) < jobs:
                job = todo.pop(0)
                attempts[job] += 1
                running[job] = _started(comparison, job, threads, environment)
                tell(job, "started", done, total)
            for job in [job for job, process in running.items() if process.poll() is not None]:
                process = running.pop(job)
                _close(process)
                outcome = _ended(comparison, job, process.returncode, attempts[job])
                if outcome is None:
                    tell(
                        job, f"its process {_how(process.returncode)}; it goes on from its last checkpoint", done, total
                    )
                    todo.insert(0, job)
                    continue
                done += 1
                tell(job, outcome.status, done, total)
                after()
            time.sleep(POLL)


def _started(comparison: Comparison, job: Job, threads: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    place = comparison.place(job.cell, job.seed)
    place.mkdir(parents=True, exist_ok=True)
    words = [str(comparison.path), job.cell.folder, str(job.seed), str(threads)]
    with (place / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ganzoo.studies.worker", *words],
            stdin=subprocess.PIPE,  # it ends when this does
            stdout=log,
            stderr=log,
            env={"PYDANTIC_DISABLE_PLUGINS": "__all__", **os.environ, **environment},  # as in ganzoo.__main__
            start_new_session=True,  # Ctrl-C is for the driver, which stops the workers
        )


def _ended(comparison: Comparison, job: Job, code: int, attempts: int) -> RunOutcome | None:
    """What became of a run; ``None`` if it is to go on, since its process was killed."""
    place = comparison.place(job.cell, job.seed)
    outcome = outcome_of(place)
    if outcome.settled or outcome.status == "failed":
        return outcome
    if attempts < ATTEMPTS:
        return None
    log = place / "worker.log"
    write_failure(place, f"its process {_how(code)} {attempts} times; the last lines of {log} may say why")
    return outcome_of(place)


def _how(code: int) -> str:
    """How a process ended."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


@contextmanager
def _processes() -> Iterator[dict[Job, subprocess.Popen[bytes]]]:
    """Processes that end when the block does, whatever ends it."""
    running: dict[Job, subprocess.Popen[bytes]] = {}
    try:
        yield running
    finally:
        for process in running.values():
            _close(process)


def _stop(running: dict[Job, subprocess.Popen[bytes]]) -> None:
    """Let every worker save a checkpoint and end."""
    for process in running.values():
        _close(process)
    for process in running.values():
        process.wait()
    running.clear()


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
