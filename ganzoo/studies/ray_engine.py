"""The engine of a Ray cluster: runs in actors on its nodes, as many at once as it has room for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo import files
from ganzoo.studies.comparison import Comparison
from ganzoo.studies.driving import Job
from ganzoo.studies.ray_cluster import Share, room_in_words, slots
from ganzoo.studies.ray_run import RayRun

SAVED = 120.0
"""Seconds in which runs that were asked to stop have saved a checkpoint."""
ROOM = 5.0
"""Seconds after which the cluster is asked again how large it is: nodes come and go."""
PLACED = 60.0
"""Seconds after which a run that was sent has reached a node, unless others have taken the room."""


class RayRuns:
    """Runs in actors that end when this process does. A run whose node is lost goes on elsewhere from its copy here.

    Args:
        comparison: whose runs they are; its folder here gets the copies.
        ray: the library, connected.
        share: what each process of a run reserves.

    Attributes:
        killed: the runs that had not saved a checkpoint in time when all were stopped.
    """

    def __init__(self, comparison: Comparison, ray: Any, share: Share) -> None:
        self.killed: list[Job] = []
        self._comparison, self._ray, self._share = comparison, ray, share
        self._runs: dict[Job, RayRun] = {}
        self._slots, self._asked = 0, -ROOM

    def has_room(self) -> bool:
        """Whether the cluster holds more runs than there are."""
        if time.monotonic() - self._asked > ROOM:
            self._slots = slots(self._ray, self._share, self._comparison.processes)
            self._asked = time.monotonic()
        return len(self._runs) < self._slots

    def running(self) -> int:
        """How many have been started and have not ended."""
        return len(self._runs)

    def lacks(self) -> str | None:
        """What a run needs and what the cluster has, if none is on a node: the cluster has shrunk, or others use it."""
        if not all(run.waits(PLACED) for run in self._runs.values()) or (not self._runs and self.has_room()):
            return None
        return room_in_words(self._ray, self._share, self._comparison.processes)

    def start(self, job: Job) -> None:
        """Send what is there of a run to a node, and let it go on there."""
        place = self._comparison.place(job.cell, job.seed)
        with files.writing(place, place="--out DIR"):
            place.mkdir(parents=True, exist_ok=True)
        self._runs[job] = RayRun(self._comparison, job, self._ray, self._share)

    def ended(self) -> Mapping[Job, str]:
        """Take over what has arrived."""
        over = {job: how for job, run in self._runs.items() if (how := run.look()) is not None}
        for job in over:
            self._drop(job)
        return over

    def stop(self) -> Sequence[Job]:
        """Let every run save a checkpoint, and take that over; returns those that did not in time, and are killed."""
        for job in [job for job, run in self._runs.items() if not run.has_computed()]:
            self._drop(job)
        for run in self._runs.values():
            run.stop()
        until = time.monotonic() + SAVED
        while self._runs and time.monotonic() < until:
            self.ended()
            time.sleep(0.1)
        self.killed = list(self._runs)
        self.close()
        return self.killed

    def close(self) -> None:
        """End the actors."""
        for job in list(self._runs):
            self._drop(job)

    def _drop(self, job: Job) -> None:
        self._runs.pop(job).close()
