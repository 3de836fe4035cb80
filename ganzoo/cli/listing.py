"""``ganzoo list``. Named differently, since a submodule ``list`` would hide the built-in in its package."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

import typer
from rich.table import Table

from ganzoo.catalog.rows import row
from ganzoo.cli.context import console, registry
from ganzoo.component import KINDS
from ganzoo.registry import Entry, Registry, parse_kind
from ganzoo.screen import Screen, Text, say

_PLURALS = {kind.name: kind.plural for kind in KINDS}


EXAMPLES = """\
Examples:
  ganzoo list
  ganzoo list losses
  ganzoo list discriminator --json
"""


def list_command(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="Show this kind only, e.g. losses or loss.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the components as JSON.")] = False,
) -> None:
    """List the installed components."""
    known = registry()
    entries = known.entries(kind)
    if as_json:
        say(json.dumps([row(known, entry) for entry in entries], indent=2))
    elif entries:
        _print_tables(console(), known, entries)
    else:
        say(f"no {parse_kind(kind).plural if kind else 'components'} are installed", err=True)


def _print_tables(out: Screen, known: Registry, entries: Sequence[Entry]) -> None:
    """A table a kind. Names are as wide in all of them, so that the columns stand below each other."""
    width = max(len(known.shortest(entry)) for entry in entries)
    for number, (kind, group) in enumerate(groupby(entries, key=lambda entry: entry.kind)):
        if number:
            out.print()
        out.print(Text(_PLURALS[kind], style="bold"))
        if out.is_terminal:
            out.print(_table(known, list(group), name_width=width))
        else:
            _print_lines(out, known, list(group), name_width=width)


def _table(known: Registry, entries: Sequence[Entry], *, name_width: int) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 0, 0, 2), pad_edge=True)
    table.add_column("name", style="cyan", min_width=name_width, overflow="fold")
    table.add_column("summary", overflow="fold")
    for entry in entries:
        table.add_row(known.shortest(entry), _summary(known, entry))
    return table


def _print_lines(out: Screen, known: Registry, entries: Sequence[Entry], *, name_width: int) -> None:
    """For other programs: a line a component, however long, and nothing after its last word."""
    for entry in entries:
        name = Text(known.shortest(entry).ljust(name_width))
        line = Text("  ").join([Text(), name, _summary(known, entry)])
        line.rstrip()
        out.print(line, soft_wrap=True)


def _summary(known: Registry, entry: Entry) -> Text:
    text = Text(entry.component.summary)
    if aliases := known.aliases(entry):
        text.append(f" (also {', '.join(aliases)})", style="dim")
    if not entry.first_party:
        text.append(f" (from {entry.provider})", style="dim")
    if missing := entry.missing():
        text.append(f" [needs {', '.join(missing)}]", style="yellow")
    if entry.component.deprecated_for:
        text.append(f" [deprecated: use {entry.component.deprecated_for}]", style="yellow")
    return text
