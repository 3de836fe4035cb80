"""The list of components for a terminal: tables with colors, whose summaries are folded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.table import Table

from ganzoo.registry import Entry
from ganzoo.screen import Screen, Text

Row = tuple[str, Sequence[tuple[str, str]]]
"""A name, and words of a summary with their styles."""


def print_tables(
    out: Screen, kinds: Iterable[tuple[str, Sequence[Entry]]], row: Callable[[Entry], Row], *, name_width: int
) -> None:
    """A table a kind, below its name."""
    for number, (plural, entries) in enumerate(kinds):
        if number:
            out.print()
        out.print(Text(plural, style="bold"))
        out.print(_table(map(row, entries), name_width))


def _table(rows: Iterable[Row], name_width: int) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 0, 0, 2), pad_edge=True)
    table.add_column("name", style="cyan", min_width=name_width, overflow="fold")
    table.add_column("summary", overflow="fold")
    for name, summary in rows:
        table.add_row(name, Text.assemble(*summary))
    return table
