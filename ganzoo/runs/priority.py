"""The priority of a thread that works beside the training: none, until somebody waits for it.

All of torch's threads wait for the slowest of them, so a core that is taken from one of them is taken from all. On
Linux a thread may be one that runs only where a core is idle. Whoever has no right to undo that would wait for it for
long where other programs have all cores; there it is made nice instead, which leaves it its small share.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

NICEST = 19


class Priority:
    """That of the one thread which calls :meth:`low`; where the system knows no priorities of threads, nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        """The one that works now."""
        self._awaited = False

    def low(self, work: Callable[[], object]) -> object:
        """Do it at a low priority."""
        with self._lock:
            self._thread = threading.get_native_id()
            if not self._awaited:
                _lower(self._thread)
        try:
            return work()
        finally:
            with self._lock:
                _raise(self._thread)  # its end is waited for, too
                self._thread = None

    @contextmanager
    def usual(self) -> Iterator[None]:
        """Inside the block the work is done at the priority of all else."""
        with self._lock:
            self._awaited = True
            if self._thread is not None:
                _raise(self._thread)
        try:
            yield
        finally:
            with self._lock:
                self._awaited = False


def _lower(thread: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError):  # a container may forbid it
        if comes_back():
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, thread, NICEST)


def _raise(thread: int) -> None:
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def comes_back() -> bool:
    """Whether a thread that runs only where a core is idle may be made usual again: tried with one for that alone."""
    if not sys.platform.startswith("linux"):
        return False
    found: list[bool] = []

    def there_and_back() -> None:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
            found.append(True)

    trial = threading.Thread(target=there_and_back, daemon=True)
    trial.start()
    trial.join()
    return bool(found)
