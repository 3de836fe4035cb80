"""The priority of a thread that works beside the training: none, until somebody waits for it.

All of torch's threads wait for the slowest of them, so a core that is taken from one of them is taken from all. On
Linux a thread may be one that runs only where a core is idle. Three things keep it from being waited for too long:

- Where other programs want the cores, it stays what it is. It may hold Python's lock when it is put aside.
- Whoever waits for it gives it back the priority that it had.
- Not everybody may do that. There the thread is only made somewhat nicer than the training.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from ganzoo.cores import cores

NICER = 5
"""A thread that is so much nicer gets a quarter of a core that two threads want."""
SPARE = 0.5
"""How many more threads than cores may be ready to run; those of the training are among them."""


@dataclass(frozen=True)
class _Lowered:
    """A thread that works at a low priority, and how it was scheduled before."""

    thread: int
    policy: int
    parameters: os.sched_param

    def put_back(self) -> None:
        with suppress(OSError):
            os.sched_setscheduler(self.thread, self.policy, self.parameters)


class Priority:
    """That of the one thread which calls :meth:`low`; where the system knows no priorities of threads, nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awaited = False
        self._lowered: _Lowered | None = None

    def low(self, work: Callable[[], object]) -> object:
        """Do it at a low priority."""
        with self._lock:
            if not self._awaited:
                self._lowered = _lower(threading.get_native_id())
        try:
            return work()
        finally:
            with self._lock:
                self._put_back()

    @contextmanager
    def usual(self) -> Iterator[None]:
        """Inside the block the work is done at the priority that the thread had, if it may have it again."""
        with self._lock:
            self._awaited = True
            self._put_back()
        try:
            yield
        finally:
            with self._lock:
                self._awaited = False

    def _put_back(self) -> None:
        lowered, self._lowered = self._lowered, None
        if lowered is not None:
            lowered.put_back()


def _lower(thread: int) -> _Lowered | None:
    """Lower it; what can be put back again, if anything."""
    if not sys.platform.startswith("linux") or crowded():
        return None
    with suppress(OSError):  # a container may forbid it
        if not comes_back():
            os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICER))
            return None
        before = _Lowered(thread, os.sched_getscheduler(thread), os.sched_getparam(thread))
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
        return before
    return None


def crowded() -> bool:
    """Whether more threads than there are cores were ready to run in the last minute, by the system's own count."""
    return os.getloadavg()[0] > cores() + SPARE


@cache
def comes_back() -> bool:
    """Whether a thread that runs only where a core is idle may be made usual again: tried with one for that alone."""
    if not sys.platform.startswith("linux"):
        return False
    found: list[bool] = []

    def there_and_back() -> None:
        with suppress(OSError):
            before = os.sched_getscheduler(0), os.sched_getparam(0)
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            os.sched_setscheduler(0, *before)
            found.append(True)

    with suppress(RuntimeError):  # there may be no room for another thread
        trial = threading.Thread(target=there_and_back, daemon=True)
        trial.start()
        trial.join()
    return bool(found)
