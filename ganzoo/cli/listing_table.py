"""The list of components for a terminal: names and summaries with colors, which are folded beside the names.

As one text: Rich's tables measure and cut each cell several times, which is a fifth of a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest

from ganzoo.registry import Entry
from ganzoo.screen import Screen, Text

Row = tuple[str, Sequence[tuple[str, str]]]
"""A name, and words of a summary with their styles."""
NARROWEST = 20
"""Columns of a summary; where there are fewer beside the names, these are folded too."""


def print_tables(
    out: Screen, kinds: Iterable[tuple[str, Sequence[Entry]]], row: Callable[[Entry], Row], *, name_width: int
) -> None:
    """A block a kind, below its name."""
    room = max(NARROWEST, out.width - name_width - 4)
    wide, shown = max(1, out.width - room - 4), Text()
    for number, (plural, entries) in enumerate(kinds):
        shown.append("\n" if number else "").append(f"{plural}\n", "bold")
        for name, summary in map(row, entries):
            words, names = Text.assemble(*summary), [name[at : at + wide] for at in range(0, len(name), wide)]
            for left, line in zip_longest(names, words.wrap(out, room) if words.cell_len > room else [words]):
                shown.append(f"  {(left or '').ljust(wide)}  ", "cyan").append(line or "").append("\n")
    out.print(shown, end="", no_wrap=True, overflow="ignore", crop=False)
