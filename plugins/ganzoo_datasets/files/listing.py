"""Names in messages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

LISTED = 20
"""How many names are printed; all unreadable ones are in a file beside the cached pixels."""


def listed(names: Iterable[str], count: int, folder: Path | None = None) -> str:
    """Names on lines of their own, the first twenty; ``folder`` holds a list of all."""
    one_line = (name.replace("\n", "\\n") for name in names)
    shown = [f"\n  {name}" for name, _ in zip(one_line, range(LISTED), strict=False)]
    if count > LISTED:
        where = f"; all are in {folder / 'unreadable.txt'}" if folder else ""
        shown.append(f"\n  and {count - LISTED:,} more{where}")
    # A name that is not valid UTF-8 must not break the message that names it.
    return "".join(shown).encode("utf-8", "backslashreplace").decode()
