"""How this process was started among others, as by ``torchrun``, and which of them speaks.

All of them do the same, so what all would say is said by the first. What goes wrong is said once, by whoever meets it
first, and that may be another.
"""

from __future__ import annotations

import os
from collections.abc import Callable

_claim: Callable[[], bool] | None = None
_leave: Callable[[], None] | None = None
_silent = False


def launched() -> tuple[int, int]:
    """The number of this process and how many there are; (0, 1) for one alone.

    They are the variables ``RANK`` and ``WORLD_SIZE``, with ``MASTER_ADDR`` as the place where all meet. Anything else
    that is called so, such as a ``WORLD_SIZE`` alone, means nothing.
    """
    words = [os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE")]
    if "MASTER_ADDR" not in os.environ or not all(word.isdecimal() for word in words):
        return 0, 1
    number, size = map(int, words)
    return (number, size) if number < size else (0, 1)


def silent() -> bool:
    """Whether another process says what there is to say."""
    return _silent or (launched()[0] > 0)


def met(*, claim: Callable[[], bool], leave: Callable[[], None]) -> None:
    """From now on the processes know each other.

    Args:
        claim: true in the one process that asks first.
        leave: lets the others go on, or end, without this one.
    """
    global _claim, _leave
    _claim, _leave = claim, leave


def hush() -> None:
    """Say nothing more: what ends this process ends the first one as well, which knows more about it."""
    global _silent
    _silent = True


def tells_of_error() -> bool:
    """Whether this process is the one that tells of the error by which all end; asked once, when it ends."""
    if _silent:
        return False
    return launched()[0] == 0 if _claim is None else _claim()


def leave() -> None:
    """Be gone for the others, before this process ends by an error."""
    if _leave is not None:
        _leave()
