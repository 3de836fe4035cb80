"""One piece of work at a time beside the training, in a thread: what it raises is raised where the training looks."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

LOWEST = 19


class Background:
    """A thread for work that needs little of Python: writing and hashing let the interpreter go.

    Computing with torch does not belong there: a thread that does gets a pool of threads of its own.

    On Linux, where threads have priorities of their own, this one takes what others leave. All of torch's threads wait
    for the slowest of them, so a core that is taken from one of them is taken from all.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_stand_back)
        self._pending: Future[object] | None = None

    def begin(self, work: Callable[[], object]) -> None:
        """Start it, once what was begun before is done; raises what that raised."""
        self.wait()
        self._pending = self._thread.submit(work)

    def look(self) -> None:
        """Raise what the work raised, if it is over; a look costs nothing."""
        if self._pending is not None and self._pending.done():
            self.wait()

    def wait(self) -> None:
        """Wait until nothing is left to do; raises what the work raised, once."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """:meth:`wait`, and end the thread."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()


def _stand_back() -> None:
    """Give this thread the lowest priority."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):  # a container may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)
