"""``ganzoo plugins``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from ganzoo.catalog.inventory import PluginRow, counts, plugin_rows, requirements
from ganzoo.cli.context import console, settings
from ganzoo.errors import ConfigError
from ganzoo.program import as_started
from ganzoo.registry import FIRST_PARTY, Registry
from ganzoo.screen import Screen, Text, say

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "disabled": "dim"}

Column = tuple[str, Callable[[PluginRow], str]]

_OF_THIRD_PARTIES: tuple[Column, ...] = (
    ("plugin", lambda row: row["distribution"]),
    ("version", lambda row: row["version"]),
    ("entry point", lambda row: row["entry_point"]),
    ("API", lambda row: "" if row["api"] is None else str(row["api"])),
    ("import", lambda row: _milliseconds(row)),
    ("status", lambda row: row["status"]),
    ("components", lambda row: counts(row)),
)
_OF_GANZOO: tuple[Column, ...] = (
    ("entry point", lambda row: row["entry_point"]),
    ("import", lambda row: _milliseconds(row)),
    ("status", lambda row: row["status"]),
    ("components", lambda row: counts(row)),
)


EXAMPLES = """\
Examples:
  ganzoo plugins
  ganzoo plugins --requirements > requirements.txt
"""


def plugins_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the plugins as JSON.")] = False,
    as_requirements: Annotated[
        bool,
        typer.Option("--requirements", help="Print a requirements file that installs ganzoo and these plugins again."),
    ] = False,
) -> None:
    """List the installed plugins: version, API, components, import time, and whether they work."""
    if as_json and as_requirements:
        raise ConfigError(
            "--json and --requirements cannot be combined", given="both", allowed="one of them, or neither"
        )
    # Not the registry that the commands share: that one prints every problem on stderr, and here each has its row.
    registry = Registry.load(strict=settings().strict, plugins=settings().plugins)
    if as_requirements:
        say("\n".join(requirements(registry)))
    elif as_json:
        say(json.dumps(plugin_rows(registry), indent=2))
    else:
        _print(console(), plugin_rows(registry))


def _print(out: Screen, rows: Sequence[PluginRow]) -> None:
    others = [row for row in rows if row["distribution"] != FIRST_PARTY]
    own = [row for row in rows if row["distribution"] == FIRST_PARTY]
    out.print(Text("third-party plugins", style="bold"))
    if others:
        _print_table(out, others, _OF_THIRD_PARTIES)
    else:
        out.print(Text("  none are installed", style="dim"))
    out.print(Text.assemble(("\npart of ganzoo", "bold"), f" {own[0]['version']}" if own else ""))
    _print_table(out, own, _OF_GANZOO)
    if any(row["status"] in ("failed", "warning") for row in rows):
        out.print(Text(as_started("\nganzoo doctor shows tracebacks and what to do")))


def _print_table(out: Screen, rows: Sequence[PluginRow], columns: Sequence[Column]) -> None:
    """Columns below each other, and each message on a line of its own below its row."""
    widths = [max([len(head), *(len(text(row)) for row in rows)]) for head, text in columns]
    heads = (head.ljust(width) for (head, _), width in zip(columns, widths, strict=True))
    _print_line(out, Text("  ".join(heads), style="dim"))
    for row in rows:
        cells = [
            Text(text(row).ljust(width), style=_STYLES[row["status"]] if head == "status" else "")
            for (head, text), width in zip(columns, widths, strict=True)
        ]
        _print_line(out, *(part for cell in cells for part in (cell, "  ")))
        if row["message"]:
            _print_line(out, Text(f"    {row['message']}", style=_STYLES[row["status"]]))


def _print_line(out: Screen, *parts: Text | str) -> None:
    line = Text.assemble("  ", *parts)
    line.rstrip()
    out.print(line, soft_wrap=True)


def _milliseconds(row: PluginRow) -> str:
    return "" if row["import_ms"] is None else f"{row['import_ms']:.1f} ms"
