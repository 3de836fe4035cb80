"""What went wrong with a plugin, as data that the command line prints in one line."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Literal

Stage = Literal["metadata", "selection", "import", "api version", "hook names", "records"]
"""Where loading stood: reading metadata, applying the user's selection, then the four stages of an entry point."""

Severity = Literal["failure", "warning", "note"]
"""``failure``: the plugin is left out. ``warning``: it works, but must be mended. ``note``: nothing need be done."""

_OUTCOMES: dict[Severity, str] = {"failure": "left out", "warning": "warning", "note": "note"}


class Refused(Exception):
    """A plugin breaks ganzoo's rules: the message says it all, so that it is printed without a type in front.

    ``fix`` is the command that mends it, where that is not the plugin's newest version.
    """

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A plugin's fault. ``str()`` is one line that names distribution, version and stage.

    Attributes:
        distribution: normalized name of the distribution.
        version: its version, or ``"unknown"``; empty where nothing of that name is installed.
        entry_point: name of the entry point; empty where the whole distribution is concerned.
        stage: how far loading had come.
        message: what happened, in one line.
        severity: whether the plugin was left out.
        traceback: of the exception behind it; empty where there is none, or where the message says it all.
        fixes: commands that mend it, or what to do where no command does; each is enough.
    """

    distribution: str
    version: str
    entry_point: str
    stage: Stage
    message: str
    severity: Severity = "failure"
    traceback: str = ""
    fixes: tuple[str, ...] = ()

    @property
    def finding(self) -> str:
        """What became of the plugin, at which stage, and why."""
        where = f" (entry point {self.entry_point!r})" if self.entry_point else ""
        return f"{_OUTCOMES[self.severity]} at stage {self.stage!r}{where}: {self.message}"

    def __str__(self) -> str:
        return f"{f'plugin {self.distribution} {self.version}'.rstrip()}: {self.finding}"


def one_line(error: BaseException) -> str:
    """What an exception says, in one line. Survives exceptions that cannot be printed."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    if isinstance(error, Refused):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def full_traceback(error: BaseException) -> str:
    """The traceback as text. Survives exceptions that cannot be printed."""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return f"{type(error).__name__} (its traceback cannot be printed)\n"
