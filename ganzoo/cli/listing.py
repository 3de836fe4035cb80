"""``ganzoo list``. Named differently, since a submodule ``list`` would hide the built-in in its package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated

import typer

from ganzoo.catalog.rows import row
from ganzoo.cli.context import console, registry
from ganzoo.component import KINDS
from ganzoo.lines import certainly_plain, say
from ganzoo.registry import Entry, Registry, parse_kind

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
        _print_all(known, entries)
    else:
        say(f"no {parse_kind(kind).plural if kind else 'components'} are installed", err=True)


def _print_all(known: Registry, entries: Sequence[Entry]) -> None:
    """Kind by kind. Names are as wide in all of them, so that the columns stand below each other."""
    width = max(len(known.shortest(entry)) for entry in entries)
    kinds = [(_PLURALS[kind], list(group)) for kind, group in groupby(entries, key=lambda entry: entry.kind)]
    if certainly_plain() or not (screen := console()).is_terminal:
        say("\n\n".join("\n".join([plural, *_lines(known, group, width)]) for plural, group in kinds))
    else:
        from ganzoo.cli.listing_table import print_tables

        print_tables(screen, kinds, lambda entry: (known.shortest(entry), _summary(known, entry)), name_width=width)


def _lines(known: Registry, entries: Sequence[Entry], name_width: int) -> Iterator[str]:
    """For other programs: a line a component, however long, and nothing after its last word."""
    for entry in entries:
        summary = "".join(words for words, _ in _summary(known, entry))
        yield f"  {known.shortest(entry).ljust(name_width)}  {summary}".rstrip().expandtabs()


def _summary(known: Registry, entry: Entry) -> list[tuple[str, str]]:
    """Words and their styles."""
    parts = [(entry.component.summary, "")]
    if aliases := known.aliases(entry):
        parts.append((f" (also {', '.join(aliases)})", "dim"))
    if not entry.first_party:
        parts.append((f" (from {entry.provider})", "dim"))
    if missing := entry.missing():
        parts.append((f" [needs {', '.join(missing)}]", "yellow"))
    if entry.component.deprecated_for:
        parts.append((f" [deprecated: use {entry.component.deprecated_for}]", "yellow"))
    return parts
