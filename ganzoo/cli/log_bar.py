"""Lines of a log, of which those that tell progress are a bar on a terminal, in the place of the one before."""

from __future__ import annotations

import logging
import time

from rich.control import Control
from rich.logging import RichHandler
from rich.segment import ControlType

from ganzoo.cli.durations import duration
from ganzoo.screen import Text

BAR = 20
"""Columns of the bar: beside it, "decoded 99,999 of 99,999 pictures" and the time that is left fit into 80."""
TENTHS = 10
WIPE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class BarHandler(RichHandler):
    """Shows a record with the attribute ``progress``, a pair (done, total), as a bar; the next record takes its place.

    Nothing runs beside it and no cursor is hidden, so a program that ends meanwhile leaves a line and no more.
    """

    _first: tuple[float, float] | None = None
    """When the first of several bars came, and what was done by then."""
    _tenth: int | None = None
    """How many tenths were done at the last of several lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Draw or print."""
        progress: tuple[float, float] | None = getattr(record, "progress", None)
        if not self.console.is_terminal:
            if self._is_due(progress):
                super().emit(record)
            return
        if self._first is not None:
            self.console.control(WIPE)
        if progress is None:
            self._first = None
            super().emit(record)
        else:
            self._draw(self.format(record), *progress)

    def _is_due(self, progress: tuple[float, float] | None) -> bool:
        """Whether a line is due where there is no bar: of progress the first one, and one for each tenth."""
        before = self._tenth
        self._tenth = None if progress is None else int(TENTHS * progress[0] / (progress[1] or 1))
        return self._tenth is None or self._tenth != before

    def _draw(self, words: str, done: float, total: float) -> None:
        now = time.monotonic()
        since, before = self._first = self._first or (now, done)
        full = round(BAR * done / total) if total else BAR
        line = Text.assemble(words, " ", ("━" * full, "bar.complete"), ("━" * (BAR - full), "bar.back"))
        if done > before:
            line.append(f" about {duration((now - since) * (total - done) / (done - before))} left")
        line.truncate(self.console.width - 1, overflow="ellipsis")
        self.console.print(line, end="", soft_wrap=True)
