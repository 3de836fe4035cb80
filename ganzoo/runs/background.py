"""One piece of work at a time beside the training, in a thread: what it raises is raised where the training looks.

A thread that takes idle cores alone is soon done where there are some, and late where other programs came meanwhile. So
the work comes in parts, and whoever waits for it does those that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from ganzoo.runs import priority

Parts = Iterator[object]
"""Work that stops after each of its parts, and goes on in any thread."""


class Background:
    """A thread for work that needs little of Python: writing and hashing let the interpreter go.

    It takes what the training leaves of the cores. Computing with torch does not belong there: a thread that does gets
    a pool of threads of its own.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._pending: Future[Parts | None] | None = None
        self._awaited = False

    def begin(self, work: Callable[[], Parts]) -> None:
        """Start it, once what was begun before is done; raises what that raised."""
        self.wait()
        self._start(work(), low=not priority.crowded())

    def look(self) -> None:
        """Raise what the work raised, if it is over; a look costs nothing."""
        if self._pending is not None and self._pending.done() and (rest := self._left()) is not None:
            self._start(rest, low=False)

    def wait(self) -> None:
        """See that nothing is left to do; raises what the work raised, once."""
        self._awaited = True
        try:
            for _ in self._left() or ():
                pass
        finally:
            self._awaited = False

    def close(self) -> None:
        """:meth:`wait`, and end the thread."""
        try:
            self.wait()
        finally:
            self._end_thread()

    def _start(self, parts: Parts, *, low: bool) -> None:
        self._end_thread()  # each has one of its own, since a priority that was lowered stays so
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        try:
            self._pending = self._pool.submit(self._some, parts, low)
        except RuntimeError:  # no room for a thread: all of it is left, to begin at the next look or be waited for
            self._pending = Future()
            self._pending.set_result(parts)

    def _end_thread(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _some(self, parts: Parts, low: bool) -> Parts | None:
        """Do the parts one by one; those that are left when others want the cores, or somebody waits."""
        if low:
            priority.lower()
        for _ in parts:
            if self._awaited or (low and priority.crowded()):
                return parts
        return None

    def _left(self) -> Parts | None:
        """What is left to do, once the thread has ended."""
        pending, self._pending = self._pending, None
        return None if pending is None else pending.result()
