"""The page of ``ganzoo run --dry-run``: verdict, summary, findings, and the values that somebody decided."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from ganzoo.cli.durations import duration
from ganzoo.memory import in_units
from ganzoo.planning.overview import MOST_NAMED
from ganzoo.program import as_started
from ganzoo.runs.ancestry import in_words
from ganzoo.screen import Screen, Text

LINES = 40
"""What a page holds: a common terminal, without scrolling."""
UNDECIDED = ("default", "size", "data")
"""Where values come from that nobody chose, neither a person nor a component."""

Row = tuple[str, Any, str]
"""Path, value, origin."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is to be printed.

    Attributes:
        facts: those of ``--json``, and the line about the data as ``overview``.
        rows: every value of the configuration.
        warnings: of the plan.
        remarks: with the command that helps.
    """

    facts: dict[str, Any]
    rows: Sequence[Row]
    warnings: Sequence[str]
    remarks: Sequence[str]

    def print(self, out: Screen, *, full: bool) -> None:
        """Print it: at most :data:`LINES` lines unless ``full``, or unless warnings alone need more."""
        parts: list[RenderableType] = [_verdict(self.facts), Text(), _summary(self.facts, full=full)]
        parts += [Text.assemble(("\nwarning: ", "bold yellow"), as_started(finding)) for finding in self.warnings]
        parts += [Text.assemble(("\nremark: ", "bold cyan"), as_started(remark)) for remark in self.remarks]
        used = sum(len(out.render_lines(part, pad=False)) for part in parts)
        for part in parts:
            out.print(part)
        out.print()
        if full:
            out.print(_table(self.rows))
        else:
            self._print_decided(out, lines=LINES - used - 1)

    def _print_decided(self, out: Screen, *, lines: int) -> None:
        """As many values as fit into so many lines, chosen ones before suggested ones, and where the others are."""
        decided = sorted((row for row in self.rows if row[2] not in UNDECIDED), key=_rank)
        shown = len(decided)
        while shown and len(out.render_lines(_table(decided[:shown]), pad=False)) > lines - 1:
            shown -= 1
        if shown:
            out.print(_table(decided[:shown]))
        out.print(Text(f"{len(self.rows) - shown} more values, most of them defaults: --full", style="dim"))


def _rank(row: Row) -> tuple[bool, bool]:
    """What a person said goes first, then default options of what a person asked for, then what components suggest."""
    return row[2].startswith("suggested by"), row[2].endswith("(default)")


def _verdict(facts: dict[str, Any]) -> Text:
    cost = (
        f"{_amount(facts['steps'])} take about {duration(facts['estimated_seconds'])} on {facts['device']}, "
        f"{facts['seconds_per_step']:.3g} s a step; about {in_units(facts['estimated_memory_bytes'])} of memory"
    )
    free = facts["free_memory_bytes"]
    room = "" if free is None else f", {in_units(free)} free"
    word = ("fits: ", "bold green") if facts["fits"] else ("does not fit into memory: ", "bold red")
    return Text.assemble(word, cost, room)


def _summary(facts: dict[str, Any], *, full: bool) -> Table:
    summary = Table.grid(padding=(0, 2, 0, 0))
    for key, value in _in_words(facts, full=full):
        summary.add_row(Text(key, style="cyan"), Text(value))
    return summary


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("key", no_wrap=True)  # keys are there to be copied
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    for path, value, origin in rows:
        style = "dim" if origin == "default" else "green"
        table.add_row(path, Text(json.dumps(value) if not isinstance(value, str) else value), Text(origin, style=style))
    return table


def _in_words(facts: dict[str, Any], *, full: bool) -> Iterator[tuple[str, str]]:
    field, classes = facts["receptive_field"], facts["classes"]
    yield "data", facts["overview"]
    if full or len(classes) <= MOST_NAMED:
        yield "classes", ", ".join(f"{name} ({count:,})" for name, count in classes.items()) or "none"
    else:
        yield "classes", f"{len(classes)}, listed by --full"
    yield "conditional", "yes" if facts["conditional"] else "no"
    for player, shape in (("generator", "generator_output"), ("discriminator", "discriminator_logits")):
        if player == "generator":
            made = "pixels" if len(facts[shape]) == 3 else "numbers"
        else:
            made = "logits" if facts[shape] else "logit"
        yield player, f"{_shape(facts[shape])} {made} a sample, {facts[f'{player}_parameters']:,} parameters"
    sides = [field, field] if isinstance(field, int) else field
    yield "receptive field", "the whole image" if field is None else f"{_shape(sides)} pixels per logit"
    if facts["ancestry"]:
        yield "weights", in_words(facts["ancestry"])
    if facts["trackers"]:
        yield "trackers", ", ".join(facts["trackers"])


def _shape(sizes: Sequence[int]) -> str:
    return " × ".join(map(str, sizes)) or "1"


def _amount(steps: int | None) -> str:
    """How much training that is; time alone may limit it."""
    return "as many steps as fit" if steps is None else f"{steps:,} steps"
