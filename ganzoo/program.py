"""How this program was started, so that what it tells people to type works where they are."""

from __future__ import annotations

import re
import sys

COMMANDS = (
    "list",
    "info",
    "data",
    "run",
    "resume",
    "runs",
    "sample",
    "walk",
    "evaluate",
    "compare",
    "report",
    "matrix",
    "check",
    "new-plugin",
    "new-component",
    "plugins",
    "doctor",
    "plot",
)
"""The commands of the command line; a sentence about ganzoo goes on with another word."""

_COMMAND = re.compile(rf"(?<![\w./-])(?<!-m )ganzoo(?= (?:{'|'.join(COMMANDS)}|--[a-z-]+)(?![\w-]))")


def name() -> str:
    """``ganzoo``, or ``python -m ganzoo`` where that is how it was started: there may be no script on the path."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return "python -m ganzoo" if spec is not None and spec.name == "ganzoo.__main__" else "ganzoo"


def as_started(text: str) -> str:
    """A text with the commands in it as one would type them here: ``python -m ganzoo run …``."""
    return _COMMAND.sub(name(), text)
