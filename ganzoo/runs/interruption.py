"""Ctrl-C and SIGTERM: remembered, not obeyed at once, so that the step ends and the run is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ganzoo.errors import Interrupted


class Stop:
    """Whether somebody asked the run to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Remember the signal; a second Ctrl-C does not wait for the step."""
        if self.signal_number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = number

    def error(self, message: str, *, hint: str) -> Interrupted:
        """The error to raise after saving; its exit code is that of the signal."""
        assert self.signal_number is not None
        return Interrupted(message, signal_number=self.signal_number, hint=hint)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Catch SIGINT and SIGTERM inside the block; outside the main thread, where Python forbids it, do nothing."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
