"""Where a command logs: stderr, through one console, so that a progress bar and messages share the screen."""

from __future__ import annotations

import logging

from ganzoo.cli import context
from ganzoo.cli.log_bar import BarHandler
from ganzoo.screen import Screen, VisibleFormatter


def log_console(*, quiet: bool) -> Screen:
    """The console on stderr, with ganzoo's log on it.

    ``quiet`` leaves warnings and errors; without it, ``--debug`` adds the traceback of a tracker that failed.
    """
    console = Screen(stderr=True)
    logger = logging.getLogger("ganzoo")
    handler = BarHandler(console=console, show_time=False, show_path=False, markup=False, highlighter=None)
    handler.setFormatter(VisibleFormatter(program=True))
    handler.addFilter(lambda record: not hasattr(record, "raised"))
    loud = logging.DEBUG if context.settings().debug else logging.INFO
    handler.setLevel(logging.WARNING if quiet else loud)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return Screen(stderr=True, quiet=True) if quiet else console
