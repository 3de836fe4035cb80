"""What an entry point came to, as data that ``ganzoo plugins`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganzoo.registry.discovery import Source
from ganzoo.registry.entry import Entry
from ganzoo.registry.problem import Problem

LoadStatus = Literal["ok", "warning", "failed", "disabled"]


@dataclass(frozen=True, kw_only=True)
class LoadedEntryPoint:
    """An entry point after loading.

    Attributes:
        source: the entry point and its distribution.
        api: the ``GANZOO_API`` it declares; a value that is not a number as its ``repr``; ``None`` if none was seen.
        import_ms: how long importing it took, in milliseconds; ``None`` if it was not tried. What several entry
            points import is charged to the first of them.
        entries: its components.
        problems: what was found wrong with it.
        disabled_by: the option or environment variable that left it out; empty if it was wanted.
    """

    source: Source
    api: int | str | None = None
    import_ms: float | None = None
    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()
    disabled_by: str = ""

    @property
    def status(self) -> LoadStatus:
        """How it ended; a note is no reason to say more than ``ok``."""
        if self.disabled_by:
            return "disabled"
        severities = {problem.severity for problem in self.problems}
        if "failure" in severities:
            return "failed"
        return "warning" if "warning" in severities else "ok"

    @property
    def message(self) -> str:
        """The reason of the status, in one line; empty where there is nothing to say."""
        if self.disabled_by:
            return f"disabled by {self.disabled_by}"
        return "; ".join(f"{problem.stage}: {problem.message}" for problem in self.problems)
