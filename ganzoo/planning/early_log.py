"""What ganzoo says before a run has a folder: kept, so that the run's log and manifest can have it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger("ganzoo")


class EarlyLog(logging.Handler):
    """Keeps the records of the logger ``ganzoo``.

    Attributes:
        records: notes, warnings and errors, in order.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, and print what Python itself would print if nobody had asked for the records."""
        self.records.append(record)
        last = logging.lastResort
        nobody_else_listens = logger.handlers == [self] and not (logger.propagate and logging.getLogger().handlers)
        if nobody_else_listens and last is not None and record.levelno >= last.level:
            last.handle(record)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was warned of, each text once."""
        said = [record.getMessage() for record in self.records if record.levelno >= logging.WARNING]
        return tuple(dict.fromkeys(said))

    def hand_to(self, other: logging.Handler) -> None:
        """Tell another handler all that was said so far, with the times at which it was said."""
        for record in tuple(self.records):  # the other may have something to say too
            other.handle(record)


@contextmanager
def early_log() -> Iterator[EarlyLog]:
    """Keep what ganzoo says inside the block."""
    early, level = EarlyLog(), logger.level
    logger.addHandler(early)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield early
    finally:
        logger.setLevel(level)
        logger.removeHandler(early)
