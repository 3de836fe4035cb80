"""The engine of a Ray cluster: each run in an actor on some node, its folder copied back while it trains."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ganzoo import files
from ganzoo.studies.comparison import FILE, Comparison
from ganzoo.studies.driving import Job
from ganzoo.studies.mirroring import Copy, Held, pack
from ganzoo.studies.ray_cluster import Share, room_in_words, slots
from ganzoo.studies.remote_run import RunOnNode

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
        share: what each run reserves.

    Attributes:
        killed: the runs that had not saved a checkpoint in time when all were stopped.
    """

    def __init__(self, comparison: Comparison, ray: Any, share: Share) -> None:
        self.killed: list[Job] = []
        self._comparison, self._ray, self._share = comparison, ray, share
        self._definition = (comparison.path / FILE).read_text(encoding="utf-8")
        self._actors: dict[Job, Any] = {}
        self._answers: dict[Job, Any] = {}
        self._copies: dict[Job, Copy] = {}
        self._sending: dict[Job, bool] = {}  # to which nodes runs are being sent, and whether more is to come
        self._sent: dict[Job, float] = {}  # when those were sent that no node has answered for
        self._slots, self._asked = 0, -ROOM

    def has_room(self) -> bool:
        """Whether the cluster holds more runs than there are."""
        if time.monotonic() - self._asked > ROOM:
            self._slots, self._asked = slots(self._ray, self._share), time.monotonic()
        return len(self._actors) < self._slots

    def running(self) -> int:
        """How many have been started and have not ended."""
        return len(self._actors)

    def lacks(self) -> str | None:
        """What a run needs and what the cluster has, if none is on a node: the cluster has shrunk, or others use it."""
        late = {job for job, sent in self._sent.items() if time.monotonic() - sent > PLACED}
        if self._actors.keys() - late or (not self._actors and self.has_room()):
            return None
        return room_in_words(self._ray, self._share)

    def start(self, job: Job) -> None:
        """Send what is there of a run to a node, and let it go on there."""
        place = self._comparison.place(job.cell, job.seed)
        with files.writing(place, place="--out DIR"):
            place.mkdir(parents=True, exist_ok=True)
        actor = self._ray.remote(RunOnNode).options(num_cpus=self._share.cpus, num_gpus=self._share.gpus)
        self._actors[job] = actor.remote(self._definition, job.cell.folder, job.seed, self._share.cpus)
        self._copies[job], self._sent[job] = Copy(place), time.monotonic()
        self._send(job, {})

    def ended(self) -> Mapping[Job, str]:
        """Take over what has arrived."""
        over = {job: how for job in list(self._actors) if (how := self._look(job)) is not None}
        for job in over:
            self._drop(job)
        return over

    def stop(self) -> Sequence[Job]:
        """Let every run save a checkpoint, and take that over; returns those that did not in time, and are killed."""
        for job in {*self._sending, *self._sent}:  # nothing was computed of these
            self._drop(job)
        for actor in self._actors.values():
            actor.stop.remote()
        until = time.monotonic() + SAVED
        while self._actors and time.monotonic() < until:
            self.ended()
            time.sleep(0.1)
        self.killed = list(self._actors)
        self.close()
        return self.killed

    def close(self) -> None:
        """End the actors."""
        for job in list(self._actors):
            self._drop(job)

    def _drop(self, job: Job) -> None:
        self._ray.kill(self._actors.pop(job))
        for known in (self._answers, self._copies, self._sending, self._sent):
            known.pop(job, None)

    def _send(self, job: Job, held: Held) -> None:
        """Send the next part of a run to a node that has these files of it; if it has all, let it go on there."""
        parcel = pack(self._comparison.place(job.cell, job.seed), held, everything=True)
        if parcel is None and not self._sending.get(job):
            self._sending.pop(job, None)
            self._actors[job].start.remote()
            self._ask(job)
            return
        self._sending[job] = parcel is None or parcel.rest
        self._answers[job] = self._actors[job].take.remote(parcel)

    def _ask(self, job: Job) -> None:
        self._answers[job] = self._actors[job].poll.remote(self._copies[job].holds())

    def _look(self, job: Job) -> str | None:
        """How a run ended; ``None`` if it has not."""
        ready, _ = self._ray.wait([self._answers[job]], timeout=0)
        if not ready:
            return None
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(ready[0])
        except errors.ActorUnavailableError:  # the connection broke, which may pass
            if job in self._sending:
                self._answers[job] = self._actors[job].take.remote(None)
            else:
                self._ask(job)
            return None
        except errors.RayError as error:
            return f"its actor was lost ({str(error).strip().splitlines()[-1].strip()})"
        self._sent.pop(job, None)
        if job in self._sending:
            self._send(job, answer)
            return None
        parcel, how = answer
        if parcel is not None:
            self._copies[job].take_over(parcel)
        if how is None or (parcel is not None and parcel.rest):
            self._ask(job)
            return None
        with suppress(errors.RayError):  # it has handed over everything
            self._ray.get(self._actors[job].remove.remote(), timeout=SAVED)
        return str(how)
