"""Whose code raised: an exception inside a run becomes an error that names the component, its file and line."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

from ganzoo.errors import PluginError
from ganzoo.registry import Entry


def blamed(error: Exception, entries: Iterable[Entry], *, where: str) -> PluginError | None:
    """The error that names the component of a third party in whose code ``error`` arose; ``None`` if it was ganzoo's.

    The innermost frame counts that lies in the file of a component or, failing that, in its package.

    Args:
        error: what was raised.
        entries: the components that take part.
        where: at which point of the run.
    """
    others = [entry for entry in entries if not entry.first_party]
    frames = traceback.extract_tb(error.__traceback__)[::-1]
    for places in (_files(others), _packages(others)):
        for frame in frames:
            entry = next((entry for place, entry in places if Path(frame.filename).is_relative_to(place)), None)
            if entry is not None:
                return PluginError(
                    f"{entry.kind} {entry.name} of {entry.provider} raised {type(error).__name__} {where}: {error}",
                    given=f"{frame.filename}, line {frame.lineno}, in {frame.name}",
                    hint=f"ganzoo check {entry.qualified}, or report it to its authors",
                )
    return None


def _files(entries: Iterable[Entry]) -> list[tuple[Path, Entry]]:
    return [(path, entry) for entry in entries if (path := _path(entry.component.target.partition(":")[0]))]


def _packages(entries: Iterable[Entry]) -> list[tuple[Path, Entry]]:
    """The folder of each component's package; a plugin that is one file is that file."""
    found = []
    for entry in entries:
        path = _path(entry.component.target.partition(":")[0].partition(".")[0])
        if path is not None:
            found.append((path.parent if path.name == "__init__.py" else path, entry))
    return found


def _path(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return None if file is None else Path(file)
