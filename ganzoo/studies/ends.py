"""How the processes that train one run ended: it is over once all of them are, and none waits long for another."""

from __future__ import annotations

import time

WELL = "ended with code 0"
CODE = "ended with code"
GRACE = 20.0
"""Seconds in which processes end by themselves after one of them: what failed says so, the first saves a checkpoint.

More than ``FAREWELL`` of :mod:`ganzoo.training.team`, for which one that failed waits for the first.
"""


class Ends:
    """What is known of the ends of the processes of one run, the first of which writes it.

    Args:
        size: how many there are.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._how: dict[int, str] = {}
        self._late: set[int] = set()
        self._since: float | None = None

    def note(self, number: int, how: str) -> None:
        """One ended. After :meth:`overdue` it was made to, which is not why the run ended."""
        if self.overdue():
            self._late.add(number)
        if self._since is None and (number == 0 or not how.endswith(WELL)):
            self._since = time.monotonic()
        self._how[number] = how

    def all(self) -> bool:
        """Whether all have ended."""
        return len(self._how) == self._size

    def overdue(self) -> bool:
        """Whether those that are left should be gone: another one failed, or the first is done, a while ago."""
        return self._since is not None and time.monotonic() - self._since > GRACE

    @property
    def how(self) -> str:
        """How the run ended: by the first loss; if all ended by themselves, by the first failure, or as the first did.

        Whoever is lost makes the others fail, and they may be seen to end before.
        """
        failed = [how for number, how in self._how.items() if not how.endswith(WELL) and number not in self._late]
        lost = [how for how in failed if CODE not in how]
        return [*lost, *failed, *([self._how[0]] if 0 in self._how else []), *self._how.values()][0]
