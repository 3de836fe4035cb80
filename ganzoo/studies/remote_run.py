"""One run of a comparison on a node of a cluster, in a folder of that node."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from ganzoo.studies.comparison import FILE, Comparison
from ganzoo.studies.driving import Job
from ganzoo.studies.local_processes import LocalProcesses
from ganzoo.studies.mirroring import Copy, Held, Parcel, pack

LOOK = 0.2
"""Seconds between two looks at the folder."""
WAIT = 1.0
"""Seconds after which a poll says that there is nothing new."""


class RunOnNode:
    """Takes over the folder of a run, and then goes on with it; its process ends when this one does.

    Args:
        definition: the text of ``comparison.yaml``.
        cell: the folder of the cell.
        seed: of the run.
        threads: of its process.
    """

    def __init__(self, definition: str, cell: str, seed: int, threads: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ganzoo-run-"))
        (self._folder / FILE).write_text(definition, encoding="utf-8")
        comparison = Comparison.read(self._folder)
        self._job = Job(cell=comparison.cell(cell), seed=seed)
        self._place = comparison.place(self._job.cell, seed)
        self._copy = Copy(self._place)
        self._engine = LocalProcesses(comparison, 1, threads=threads)
        self._how: str | None = None

    def take(self, parcel: Parcel | None) -> Held:
        """Take over what is there of the run, or a part of it; returns what is here now."""
        if parcel is not None:
            self._copy.take_over(parcel)
        return self._copy.holds()

    def start(self) -> None:
        """Go on with the run."""
        self._engine.start(self._job)

    def poll(self, held: Held) -> tuple[Parcel | None, str | None]:
        """What is new to somebody who has ``held``, and how the run ended, if it has; waits a moment for either."""
        until = time.monotonic() + WAIT
        while True:
            self._how = self._how or self._engine.ended().get(self._job)
            parcel = pack(self._place, held, everything=self._how is not None)
            if parcel is not None or self._how is not None or time.monotonic() > until:
                return parcel, self._how
            time.sleep(LOOK)

    def stop(self) -> None:
        """Let it save a checkpoint and end; :meth:`poll` says when it has."""
        self._engine.close()

    def remove(self) -> None:
        """Remove the folder on this node."""
        shutil.rmtree(self._folder, ignore_errors=True)
