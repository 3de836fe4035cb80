"""One run on a Ray cluster: an actor for each of its processes, and its folder copied back while it trains."""

from __future__ import annotations

import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from ganzoo.studies.comparison import FILE, LOG, Comparison
from ganzoo.studies.driving import Job
from ganzoo.studies.ends import Ends
from ganzoo.studies.mirroring import Copy, Held, Parcel, pack
from ganzoo.studies.outcome import outcome_of, write_failure
from ganzoo.studies.ray_cluster import Share
from ganzoo.studies.remote_run import End, RunOnNode

REMOVED = 120.0
"""Seconds in which a node has removed its folder of a run that is over."""


class RayRun:
    """The actors of one run. The first of them has the process that writes it; all have the same files to begin with.

    Actors of several processes sit on a placement group, which is there whole or not at all: half of a run would hold
    its cores and wait. Packed, they are on as few nodes as have room for them.

    Args:
        comparison: whose run it is; its folder here gets the copy.
        job: which run.
        ray: the library, connected.
        share: what each process reserves.
    """

    def __init__(self, comparison: Comparison, job: Job, ray: Any, share: Share) -> None:
        self._ray, self._place = ray, comparison.place(job.cell, job.seed)
        self._copy, self._ends = Copy(self._place), Ends(comparison.processes)
        self._begun = self._told = False
        self._sent: float | None = time.monotonic()  # until a node has answered
        options, self._group = _reserved(ray, share, comparison.processes)
        definition = (comparison.path / FILE).read_text(encoding="utf-8")
        remote = ray.remote(RunOnNode)
        self._actors = [
            remote.options(**one).remote(definition, job.cell.folder, job.seed, share.cpus, number)
            for number, one in enumerate(options)
        ]
        self._answers: dict[int, Any] = {}
        self._sending: dict[int, bool] = {}  # to which actors files are being sent, and whether more are to come
        self._lost: set[int] = set()
        self._left: list[End] = []
        for number in range(len(self._actors)):
            self._send(number, {})

    def waits(self, seconds: float) -> bool:
        """Whether no node has taken it for longer than that."""
        return self._sent is not None and time.monotonic() - self._sent > seconds

    def has_computed(self) -> bool:
        """Whether there may be more of it than was sent."""
        return self._begun and self._sent is None

    def look(self) -> str | None:
        """Take over what has arrived; how the run ended, or ``None`` if it has not."""
        if not self._begun and not self._sending:
            self._begin()
        for number in list(self._answers):
            self._look(number)
        # Nothing more is to come without the process that writes, or if one was lost before all could begin.
        if not (self._ends.all() or 0 in self._lost or (self._lost and not self._begun)):
            if self._ends.overdue() and not self._told:
                self.stop()
            return None
        self._keep_what_others_left()
        for number, actor in enumerate(self._actors):
            if number not in self._lost:
                with suppress(self._ray.exceptions.RayError):  # it has handed over everything
                    self._ray.get(actor.remove.remote(), timeout=REMOVED)
        return self._ends.how

    def stop(self) -> None:
        """Let it save a checkpoint and end; :meth:`look` says when it has."""
        self._told = True
        for actor in self._actors:
            actor.stop.remote()

    def close(self) -> None:
        """End the actors, and with them what they reserve."""
        for actor in self._actors:
            self._ray.kill(actor)
        if self._group is not None:
            self._ray.util.remove_placement_group(self._group)

    def _begin(self) -> None:
        """Let all go on with the run, once each has all files of it."""
        self._begun = True
        # What the first answers, Ray hands on: nobody waits for it here.
        meeting = self._actors[0].meeting.remote() if len(self._actors) > 1 else None
        for number, actor in enumerate(self._actors):
            actor.start.remote(meeting)
            self._ask(number)

    def _send(self, number: int, held: Held) -> None:
        """Send the next part of the run to an actor that has these files of it, unless it has all."""
        parcel = pack(self._place, held, everything=True)
        if parcel is None and not self._sending.get(number):
            self._sending.pop(number, None)
            self._answers.pop(number, None)
            return
        self._sending[number] = parcel is None or parcel.rest
        self._answers[number] = self._actors[number].take.remote(parcel)

    def _ask(self, number: int) -> None:
        actor = self._actors[number]
        self._answers[number] = actor.end.remote() if number else actor.poll.remote(self._copy.holds())

    def _look(self, number: int) -> None:
        """Take over what an actor has answered, if it has, and ask it again."""
        ready, _ = self._ray.wait([self._answers[number]], timeout=0)
        if not ready:
            return
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(ready[0])
        except errors.ActorUnavailableError:  # the connection broke, which may pass
            if number in self._sending:
                self._answers[number] = self._actors[number].take.remote(None)
            else:
                self._ask(number)
            return
        except errors.RayError as error:
            self._lost.add(number)
            whose = "" if len(self._actors) == 1 else f" of process {number + 1} of {len(self._actors)}"
            self._over(number, f"its actor{whose} was lost ({str(error).strip().splitlines()[-1].strip()})")
            return
        self._sent = None
        if number in self._sending:
            self._send(number, answer)
        elif (how := self._taken_over(answer)) is None:
            self._ask(number)
        else:
            self._over(number, how)

    def _taken_over(self, answer: tuple[Parcel | None, str | None] | End | None) -> str | None:
        """How a process ended; ``None`` if it has not, or has more to hand over."""
        if answer is None:
            return None
        if isinstance(answer, End):
            self._left.append(answer)
            return answer.how
        parcel, how = answer
        if parcel is not None:
            self._copy.take_over(parcel)
        return None if parcel is not None and parcel.rest else how

    def _over(self, number: int, how: str) -> None:
        self._ends.note(number, how)
        self._sending.pop(number, None)
        del self._answers[number]

    def _keep_what_others_left(self) -> None:
        """What they printed, and why all failed, if one of them noted it: the first process did not then."""
        for end in self._left:
            if end.said:
                with (self._place / LOG).open("a", encoding="utf-8") as log:
                    log.write(end.said)
            if end.failure is not None and outcome_of(self._place).status in ("waiting", "interrupted"):
                write_failure(self._place, *end.failure)


def _reserved(ray: Any, share: Share, processes: int) -> tuple[list[dict[str, Any]], Any]:
    """Options of the actors, and the placement group that they are on if there are several."""
    options: dict[str, Any] = {"num_cpus": share.cpus, "num_gpus": share.gpus}
    if processes == 1:
        return [options], None
    bundle = {"CPU": share.cpus, **({"GPU": share.gpus} if share.gpus else {})}
    group = ray.util.placement_group([bundle] * processes, strategy="PACK")
    on = import_module("ray.util.scheduling_strategies").PlacementGroupSchedulingStrategy
    return [
        {**options, "scheduling_strategy": on(group, placement_group_bundle_index=number)}
        for number in range(processes)
    ], group
