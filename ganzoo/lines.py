"""Lines without styles, for which nothing of Rich is loaded; harmless for terminals, as all of :mod:`ganzoo.screen`."""

from __future__ import annotations

import io
import os
import sys

from ganzoo import launch
from ganzoo.foreign import visible

STYLED = ("FORCE_COLOR", "TTY_COMPATIBLE")
"""Variables that may ask Rich for styles where there is no terminal."""


def say(words: object = "", *, err: bool = False) -> None:
    """Print a line, on standard error if ``err``. Letters that the output cannot encode become question marks."""
    if launch.silent():
        return
    stream = sys.stderr if err else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    print(visible(str(words)), file=stream, flush=True)


def say_path(path: object) -> None:
    """Print a path as the result of a command: for a script exactly as it is, for a terminal as :func:`say` does."""
    if launch.silent():
        return
    if sys.stdout.isatty() or not isinstance(sys.stdout, io.TextIOWrapper):
        say(path)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(str(path)) + os.linesep.encode())
    sys.stdout.flush()


def certainly_plain() -> bool:
    """Whether standard output is for other programs: what is printed has no styles, and no width."""
    return not sys.stdout.isatty() and not any(name in os.environ for name in STYLED)
