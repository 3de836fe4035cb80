"""Runs of a comparison, some at once, until all are done; an engine says where they are computed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from ganzoo.runs.interruption import Stop
from ganzoo.studies.comparison import Cell, Comparison
from ganzoo.studies.outcome import RunOutcome, forget_failure, outcome_of, write_failure

ATTEMPTS = 3
"""So often a run whose process was killed goes on by itself."""
POLL = 0.1
"""Seconds between two looks at the runs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One run of a comparison; each is only itself, so that it can be looked up."""

    cell: Cell
    seed: int

    def __str__(self) -> str:
        """For people."""
        return f"{self.cell.name}, seed {self.seed}"


class Engine(Protocol):
    """Computes runs; what became of one lies in its place in the folder of the comparison before it has ended."""

    def has_room(self) -> bool:
        """Whether another run can be started now."""

    def start(self, job: Job) -> None:
        """Begin, or go on with, a run."""

    def ended(self) -> Mapping[Job, str]:
        """The runs that have ended since this was asked last, and how: ``its process ended with code 0``."""

    def running(self) -> int:
        """How many have been started and have not ended."""

    def lacks(self) -> str | None:
        """What a run needs and what there is, if for want of it none is being computed."""

    def stop(self) -> Sequence[Job]:
        """Let every run save a checkpoint and end, and wait for that; returns those that had to be killed."""

    def close(self) -> None:
        """Give up what is held, whatever happened; runs in training save a checkpoint by themselves."""


Tell = Callable[[Job, str, int, int], None]
"""Hears of a job, what it does now or what became of it, how many are done, and how many there are."""


def open_jobs(comparison: Comparison) -> list[Job]:
    """What is left to do, the first seed of all cells before the second of any; failures are tried again."""
    jobs = [Job(cell=cell, seed=seed) for seed in comparison.seeds for cell in comparison.possible]
    return [job for job in jobs if not outcome_of(comparison.place(job.cell, job.seed)).settled]


def drive(comparison: Comparison, *, engine: Engine, tell: Tell, after: Callable[[], object], stop: Stop) -> None:
    """Do what is left to do.

    Args:
        comparison: what is computed.
        engine: where.
        tell: hears what happens.
        after: called after each run.
        stop: whether somebody asked to stop.

    Raises:
        Interrupted: somebody did; every run has saved a checkpoint, except those that the error names.
    """
    todo = open_jobs(comparison)
    for job in todo:
        forget_failure(comparison.place(job.cell, job.seed))
    total = len(comparison.seeds) * len(comparison.possible)
    done, attempts, waits = total - len(todo), dict.fromkeys(todo, 0), False
    with closing(engine):
        while todo or engine.running():
            if stop.signal_number is not None:
                killed = engine.stop()
                raise stop.error(
                    f"stopped with {done} of {total} runs done; {saved_in_words(killed)}",
                    hint=f"ganzoo compare {comparison.word}",
                )
            if not waits and (lacks := engine.lacks()) is not None:
                tell((todo or open_jobs(comparison))[0], f"waits: {lacks}", done, total)
                waits = True
            while todo and engine.has_room():
                job = todo.pop(0)
                attempts[job] += 1
                engine.start(job)
                tell(job, "started", done, total)
            for job, how in engine.ended().items():
                waits = False
                outcome = _ended(comparison, job, how, attempts[job])
                if outcome is None:
                    tell(job, f"{how}; it goes on from its last checkpoint", done, total)
                    todo.insert(0, job)
                    continue
                done += 1
                tell(job, outcome.status, done, total)
                after()
            time.sleep(POLL)


def saved_in_words(killed: Sequence[object]) -> str:
    """What is left of runs that were asked to stop, of which these did not in time."""
    saved = "those that had begun saved a checkpoint"
    if not killed:
        return saved
    return f"{saved}, but {' and '.join(map(str, killed))} did not in time and lost the steps since the one before"


def _ended(comparison: Comparison, job: Job, how: str, attempts: int) -> RunOutcome | None:
    """What became of a run; ``None`` if it is to go on, since its process was killed."""
    place = comparison.place(job.cell, job.seed)
    outcome = outcome_of(place)
    if outcome.settled or outcome.status == "failed":
        return outcome
    if attempts < ATTEMPTS:
        return None
    log = (place / "worker.log").relative_to(comparison.path)
    code = re.search(r"code (\d+)$", how)  # of an error that the run could not write down, on a full disk for example
    reason = f"{how} {attempts} times; the last lines of {log} may say why"
    write_failure(place, reason, None if code is None else int(code[1]))
    return outcome_of(place)
