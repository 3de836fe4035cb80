"""The engine of one machine: each run in a process of its own, or in several that train it together."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from ganzoo import cores, files
from ganzoo.studies.comparison import LOG, Comparison
from ganzoo.studies.driving import Job
from ganzoo.studies.ends import Ends
from ganzoo.studies.seats import Seat, seats_here


class LocalProcesses:
    """Runs in processes of this machine that end when this one does.

    Args:
        comparison: whose runs they are.
        jobs: runs at once.
        threads: of each process; the cores are divided among them if it is ``None``.
    """

    def __init__(self, comparison: Comparison, jobs: int, *, threads: int | None = None) -> None:
        self._comparison, self._jobs = comparison, jobs
        if threads is None:
            self._threads, self._environment = cores.divided(jobs * comparison.processes)
        else:
            self._threads = threads
            self._environment = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads)}
        self._running: dict[Job, _Processes] = {}

    def has_room(self) -> bool:
        """Whether fewer than ``jobs`` run."""
        return len(self._running) < self._jobs

    def running(self) -> int:
        """How many run."""
        return len(self._running)

    def lacks(self) -> None:
        """Nothing: one run at least always has room."""

    def start(self, job: Job, seat: Seat | None = None) -> None:
        """Start the processes of a run, or the one of a seat; what they print goes into its ``worker.log``."""
        place = self._comparison.place(job.cell, job.seed)
        seats: Sequence[Seat | None] = [seat] if seat is not None else seats_here(self._comparison.processes) or [None]
        with files.writing(place / LOG, place="--out DIR"):
            place.mkdir(parents=True, exist_ok=True)
            opened = (place / LOG).open("ab")
        with opened as log:
            self._running[job] = _Processes([(self._started(job, one, log), one) for one in seats])

    def _started(self, job: Job, seat: Seat | None, log: BinaryIO) -> subprocess.Popen[bytes]:
        words = [str(self._comparison.path), job.cell.folder, str(job.seed), str(self._threads)]
        return subprocess.Popen(  # noqa: S603  # this program, with arguments of its own
            [sys.executable, "-m", "ganzoo.studies.worker", *words],
            stdin=subprocess.PIPE,  # it ends when this does
            stdout=log,
            stderr=log,
            env={
                "PYDANTIC_DISABLE_PLUGINS": "__all__",  # as in ganzoo.__main__
                **os.environ,
                **self._environment,
                **({} if seat is None else seat.environment()),
            },
            start_new_session=True,  # Ctrl-C is for the driver, which stops the workers
        )

    def ended(self) -> Mapping[Job, str]:
        """The runs whose processes have ended."""
        over = {job: how for job, processes in self._running.items() if (how := processes.ended()) is not None}
        for job in over:
            self._running.pop(job).let_go()
        return over

    def stop(self) -> Sequence[Job]:
        """Let every worker save a checkpoint and end, however long that takes."""
        self.close()
        for processes in self._running.values():
            processes.wait()
        self._running.clear()
        return ()

    def close(self) -> None:
        """Close the input of the processes, which tells them to end."""
        for processes in self._running.values():
            processes.let_go()


class _Processes:
    """Those of one run, with their seats."""

    def __init__(self, processes: Sequence[tuple[subprocess.Popen[bytes], Seat | None]]) -> None:
        self._processes, self._ends = processes, Ends(len(processes))
        self._training = set(range(len(processes)))

    def ended(self) -> str | None:
        """How they did, if all have; those that wait for one that is gone are let go after a while."""
        codes = {number: self._processes[number][0].poll() for number in self._training}
        for number, code in sorted(codes.items()):
            if code is not None:
                seat = self._processes[number][1]
                self._ends.note(number, f"its {'process' if seat is None else seat} {_how(code)}")
                self._training.remove(number)
        if self._ends.all():
            return self._ends.how
        if self._ends.overdue():
            self.let_go()
        return None

    def wait(self) -> None:
        for process, _ in self._processes:
            process.wait()

    def let_go(self) -> None:
        for process, _ in self._processes:
            if process.stdin is not None:
                process.stdin.close()


def _how(code: int) -> str:
    """How a process ended."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
