"""What meets faults: its beginning, what is done while one comes, how a user goes on, and what must come of it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ganzoo.screen import Screen

QUIET = Screen(quiet=True)
Found = dict[str, object]


class Work(Protocol):
    """A kind of work; each method but ``warm`` and ``prepare`` is called in a process of its own.

    Attributes:
        phases: names; what is below ``prepare``'s folder by such a name is what that phase begins with. All come to
            the same outcome.
    """

    phases: Sequence[str]

    def warm(self, folder: Path) -> None:
        """Import and read what every process needs, so that they need not."""

    def prepare(self, folder: Path) -> None:
        """Write what phases begin with."""

    def meet(self, folder: Path, phase: str) -> None:
        """What is done while the fault comes."""

    def go_on(self, folder: Path) -> None:
        """What a user does afterwards, whatever has happened."""

    def outcome(self, folder: Path) -> Found:
        """What must be equal to that of a process that met nothing."""


def digest(path: Path) -> str:
    """Of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def leftovers(folder: Path) -> list[str]:
    """Half files, which whoever goes on has to remove."""
    return sorted(path.name for path in folder.rglob("*.partial"))


def a_day_later(folder: Path) -> None:
    """Make half files as old as those of a process of the day before: younger ones may still be written to."""
    for path in folder.rglob("*.partial"):
        os.utime(path, (0, time.time() - 2 * 86_400))
