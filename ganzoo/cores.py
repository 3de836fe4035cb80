"""How torch's threads wait for each other, chosen before torch is imported, from what other programs leave free.

Threads that spin while they wait are fastest on free cores and slowest on busy ones: each spins away the time slice in
which the one it waits for could run. GNU's OpenMP, which torch brings along on Linux, reads its settings once, when it
is loaded.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS", "KMP_BLOCKTIME")
"""Whoever sets one of them has chosen."""
BUSY = 0.8
"""Below this share of free cores, threads wait without spinning."""
SPINS = "10000"
"""Long enough for the pauses between layers on free cores, short enough to cost little on busy ones."""
SECONDS = 0.06
"""Ten or more time slices of the scheduler."""
LOOKS = 3
"""Cores are busy if they were so at each look: what ends in a moment, such as the command before, is no reason for a
run of hours to wait without spinning, which takes up to twice as long on free cores."""
PAUSE = 0.2
"""Seconds between two looks."""
BUFFER = bytes(2**20)
"""Large enough that threads rarely meet at Python's lock, small enough for the time that is looked at."""


@dataclass(frozen=True)
class Cores:
    """What was seen and chosen.

    Attributes:
        total: cores that this process may use.
        free: how many of them other programs leave, on average.
        environment: the variables that were set.
    """

    total: int
    free: float
    environment: Mapping[str, str]

    @property
    def busy(self) -> bool:
        """Whether others use the cores."""
        return self.free < BUSY * self.total

    def __str__(self) -> str:
        """For people."""
        waiting = "wait without spinning" if "OMP_WAIT_POLICY" in self.environment else "spin briefly"
        return f"about {self.free:.1f} of {self.total} cores are free; threads {waiting}"


_chosen: Cores | None = None


def chosen() -> Cores | None:
    """What :func:`settle` chose in this process; ``None`` if it did not."""
    return _chosen


def settle() -> Cores | None:
    """Look at the cores and set what torch will read; nothing if torch is there already, or the user has chosen."""
    global _chosen
    if "torch" not in sys.modules and not any(name in os.environ for name in VARIABLES):
        total = cores()
        _chosen = choice(total, total * lasting_share(total))
        os.environ.update(_chosen.environment)
    return _chosen


def choice(total: int, free: float) -> Cores:
    """The settings for so many cores, of which so many are free.

    One thread more than cores are free: a fair scheduler gives each its share, and with a core too few a run would
    leave time to others that it could have had.
    """
    if free >= BUSY * total:
        return Cores(total, free, {"GOMP_SPINCOUNT": SPINS})
    environment = {"OMP_WAIT_POLICY": "PASSIVE"}
    threads = math.ceil(free) + 1
    return Cores(total, free, environment | ({"OMP_NUM_THREADS": str(threads)} if threads < total else {}))


def divided(processes: int) -> tuple[int, dict[str, str]]:
    """Threads for each of so many processes of torch at once, and the variables that they are started with.

    Whoever set one of ``VARIABLES`` has chosen; more threads than ``OMP_NUM_THREADS`` are not used then either.
    """
    threads = max(1, cores() // processes)
    mine = {} if _chosen is None else _chosen.environment  # settled for this process, not by the user
    if any(name in os.environ and name not in mine for name in VARIABLES):
        chosen = os.environ.get("OMP_NUM_THREADS", "")
        return (min(threads, int(chosen)) if chosen.isdecimal() and int(chosen) else threads), {}
    # Processes that start and end beside each other make the cores busy at times that nobody knows before.
    busy = processes > 1 or (_chosen is not None and _chosen.busy)
    waiting = {"OMP_WAIT_POLICY": "PASSIVE"} if busy else {"GOMP_SPINCOUNT": SPINS}
    return threads, {**waiting, "OMP_NUM_THREADS": str(threads)}


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def lasting_share(total: int) -> float:
    """The largest share of several looks, of which the first that is not busy is the last."""
    share = free_share(total)
    for _ in range(LOOKS - 1):
        if share >= BUSY:
            break
        time.sleep(PAUSE)
        share = max(share, free_share(total))
    return share


def free_share(total: int, seconds: float = SECONDS) -> float:
    """The share of all cores that work on all of them gets: measured, since a container hides who else is running."""
    start = time.perf_counter()
    with ThreadPoolExecutor(total) as pool:
        worked = sum(pool.map(_work_until, [start + seconds] * total))
    return min(1.0, worked / (total * (time.perf_counter() - start)))


def _work_until(end: float) -> float:
    """Seconds of processor time that this thread got until then. Hashing lets other threads of Python run."""
    before = time.thread_time()
    while time.perf_counter() < end:
        hashlib.sha256(BUFFER).digest()
    return time.thread_time() - before
