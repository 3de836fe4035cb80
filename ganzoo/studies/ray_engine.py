"""The engine of a Ray cluster: each run in an actor on some node, its folder copied back while it trains."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ganzoo.studies.comparison import FILE, Comparison
from ganzoo.studies.driving import Job
from ganzoo.studies.mirroring import holds, pack, take_over
from ganzoo.studies.ray_cluster import Share, slots
from ganzoo.studies.remote_run import RunOnNode

SAVED = 120.0
"""Seconds in which runs that were asked to stop have saved a checkpoint."""
ROOM = 5.0
"""Seconds after which the cluster is asked again how large it is: nodes come and go."""


class RayRuns:
    """Runs in actors that end when this process does. A run whose node is lost goes on elsewhere from its copy here.

    Args:
        comparison: whose runs they are; its folder here gets the copies.
        ray: the library, connected.
        share: what each run reserves.
    """

    def __init__(self, comparison: Comparison, ray: Any, share: Share) -> None:
        self._comparison, self._ray, self._share = comparison, ray, share
        self._definition = (comparison.path / FILE).read_text(encoding="utf-8")
        self._actors: dict[Job, Any] = {}
        self._answers: dict[Job, Any] = {}
        self._slots, self._asked = 0, -ROOM

    def has_room(self) -> bool:
        """Whether the cluster holds more runs than there are."""
        if time.monotonic() - self._asked > ROOM:
            self._slots, self._asked = slots(self._ray, self._share), time.monotonic()
        return len(self._actors) < self._slots

    def running(self) -> int:
        """How many have been started and have not ended."""
        return len(self._actors)

    def start(self, job: Job) -> None:
        """Send what is there of a run to a node, and let it go on there."""
        place = self._comparison.place(job.cell, job.seed)
        place.mkdir(parents=True, exist_ok=True)
        actor = self._ray.remote(RunOnNode).options(num_cpus=self._share.cpus, num_gpus=self._share.gpus)
        there = pack(place, {}, everything=True)
        self._actors[job] = actor.remote(self._definition, job.cell.folder, job.seed, self._share.cpus, there)
        self._ask(job)

    def ended(self) -> Mapping[Job, str]:
        """Take over what has arrived."""
        over = {job: how for job in list(self._actors) if (how := self._look(job)) is not None}
        for job in over:
            self._ray.kill(self._actors.pop(job))
            del self._answers[job]
        return over

    def stop(self) -> None:
        """Let every run save a checkpoint, and take that over."""
        for actor in self._actors.values():
            actor.stop.remote()
        until = time.monotonic() + SAVED
        while self._actors and time.monotonic() < until:
            self.ended()
            time.sleep(0.1)
        self.close()

    def close(self) -> None:
        """End the actors."""
        for actor in self._actors.values():
            self._ray.kill(actor)
        self._actors.clear()

    def _ask(self, job: Job) -> None:
        held = holds(self._comparison.place(job.cell, job.seed))
        self._answers[job] = self._actors[job].poll.remote(held)

    def _look(self, job: Job) -> str | None:
        """How a run ended; ``None`` if it has not."""
        ready, _ = self._ray.wait([self._answers[job]], timeout=0)
        if not ready:
            return None
        errors = self._ray.exceptions
        try:
            parcel, how = self._ray.get(ready[0])
        except errors.ActorUnavailableError:  # the connection broke, which may pass
            self._ask(job)
            return None
        except errors.RayError as error:
            return f"its actor was lost ({str(error).strip().splitlines()[-1].strip()})"
        if parcel is not None:
            take_over(self._comparison.place(job.cell, job.seed), parcel)
        if how is None:
            self._ask(job)
            return None
        with suppress(errors.RayError):  # it has handed over everything
            self._ray.get(self._actors[job].remove.remote(), timeout=SAVED)
        return str(how)
