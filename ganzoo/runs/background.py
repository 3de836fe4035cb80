"""One piece of work at a time beside the training, in a thread: what it raises is raised where the training looks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ganzoo.runs.priority import Priority


class Background:
    """A thread for work that needs little of Python: writing and hashing let the interpreter go.

    It takes what the training leaves of the cores, where it can, until the training waits for it. Computing with torch
    does not belong there: a thread that does gets a pool of threads of its own.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._priority = Priority()
        self._pending: Future[object] | None = None

    def begin(self, work: Callable[[], object]) -> None:
        """Start it, once what was begun before is done; raises what that raised."""
        self.wait()
        self._pending = self._thread.submit(self._priority.low, work)

    def look(self) -> None:
        """Raise what the work raised, if it is over; a look costs nothing."""
        if self._pending is not None and self._pending.done():
            self.wait()

    def wait(self) -> None:
        """Wait until nothing is left to do; raises what the work raised, once."""
        pending, self._pending = self._pending, None
        if pending is not None:
            with self._priority.usual():
                pending.result()

    def close(self) -> None:
        """:meth:`wait`, and end the thread."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()
