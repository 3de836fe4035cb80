"""The priority of a thread that works beside the training: it runs where a core is idle, for good.

All of torch's threads wait for the slowest of them, so a core that is taken from one of them is taken from all. On
Linux each thread has a priority of its own, which anybody may lower, and few may raise again. Where other programs want
the cores, nothing is lowered: a thread that is put aside may hold Python's lock, which the training waits for.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from ganzoo.cores import cores

SPARE = 0.5
"""How many more threads than cores may be ready to run; those of the training are among them."""


def lower() -> None:
    """Let this thread run only where a core is idle, where threads have a priority of their own."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def crowded() -> bool:
    """Whether more threads than there are cores were ready to run in the last minute, by the system's own count."""
    return sys.platform.startswith("linux") and os.getloadavg()[0] > cores() + SPARE
