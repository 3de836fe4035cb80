"""The engine of one machine: each run in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from ganzoo import cores, files
from ganzoo.studies.comparison import LOG, Comparison
from ganzoo.studies.driving import Job


class LocalProcesses:
    """Runs in processes of this machine that end when this one does.

    Args:
        comparison: whose runs they are.
        jobs: processes at once.
        threads: of each process; the cores are divided among them if it is ``None``.
    """

    def __init__(self, comparison: Comparison, jobs: int, *, threads: int | None = None) -> None:
        self._comparison, self._jobs = comparison, jobs
        if threads is None:
            self._threads, self._environment = cores.divided(jobs)
        else:
            self._threads = threads
            self._environment = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads)}
        self._running: dict[Job, subprocess.Popen[bytes]] = {}

    def has_room(self) -> bool:
        """Whether fewer than ``jobs`` run."""
        return len(self._running) < self._jobs

    def running(self) -> int:
        """How many run."""
        return len(self._running)

    def lacks(self) -> None:
        """Nothing: one run at least always has room."""

    def start(self, job: Job) -> None:
        """Start the process of a run; what it prints goes into its ``worker.log``."""
        place = self._comparison.place(job.cell, job.seed)
        words = [str(self._comparison.path), job.cell.folder, str(job.seed), str(self._threads)]
        with files.writing(place / LOG, place="--out DIR"):
            place.mkdir(parents=True, exist_ok=True)
            opened = (place / LOG).open("ab")
        with opened as log:
            self._running[job] = subprocess.Popen(  # noqa: S603  # this program, with arguments of its own
                [sys.executable, "-m", "ganzoo.studies.worker", *words],
                stdin=subprocess.PIPE,  # it ends when this does
                stdout=log,
                stderr=log,
                # As in ganzoo.__main__.
                env={"PYDANTIC_DISABLE_PLUGINS": "__all__", **os.environ, **self._environment},
                start_new_session=True,  # Ctrl-C is for the driver, which stops the workers
            )

    def ended(self) -> Mapping[Job, str]:
        """The processes that have ended."""
        over = {job: process for job, process in self._running.items() if process.poll() is not None}
        for job, process in over.items():
            del self._running[job]
            _let_go(process)
        return {job: f"its process {_how(process.returncode)}" for job, process in over.items()}

    def stop(self) -> Sequence[Job]:
        """Let every worker save a checkpoint and end, however long that takes."""
        self.close()
        for process in self._running.values():
            process.wait()
        self._running.clear()
        return ()

    def close(self) -> None:
        """Close the input of the processes, which tells them to end."""
        for process in self._running.values():
            _let_go(process)


def _how(code: int) -> str:
    """How a process ended."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def _let_go(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
