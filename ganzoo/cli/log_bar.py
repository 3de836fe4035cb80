"""Lines of a log, of which those that tell progress are a bar on a terminal, in the place of the one before."""

from __future__ import annotations

import logging
import time

from rich.control import Control
from rich.logging import RichHandler
from rich.segment import ControlType

from ganzoo.cli.durations import duration
from ganzoo.screen import Text

BAR = 30
"""Columns of the bar."""
WIPE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class BarHandler(RichHandler):
    """Shows a record with the attribute ``progress``, a pair (done, total), as a bar; the next record takes its place.

    Nothing runs beside it and no cursor is hidden, so a program that ends meanwhile leaves a line and no more.
    """

    _first: tuple[float, float] | None = None
    """When the first of several bars came, and what was done by then."""

    def emit(self, record: logging.LogRecord) -> None:
        """Draw or print."""
        if not self.console.is_terminal:
            super().emit(record)
            return
        if self._first is not None:
            self.console.control(WIPE)
        progress: tuple[float, float] | None = getattr(record, "progress", None)
        if progress is None:
            self._first = None
            super().emit(record)
        else:
            self._draw(self.format(record), *progress)

    def _draw(self, words: str, done: float, total: float) -> None:
        now = time.monotonic()
        since, before = self._first = self._first or (now, done)
        full = round(BAR * done / total) if total else BAR
        line = Text.assemble(words, " ", ("━" * full, "bar.complete"), ("━" * (BAR - full), "bar.back"))
        if done > before:
            line.append(f" about {duration((now - since) * (total - done) / (done - before))} left")
        line.truncate(self.console.width - 1, overflow="ellipsis")
        self.console.print(line, end="", soft_wrap=True)
