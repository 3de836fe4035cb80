"""What ``ganzoo evaluate`` prints: the numbers of one generator, or of several steps, runs and folders side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from ganzoo.screen import Screen, Text

if TYPE_CHECKING:
    from ganzoo.evaluation.value import Value
    from ganzoo.runs.beside import SideBySide
    from ganzoo.runs.evaluating import Evaluation

LISTED = 10
"""So many reasons are shown."""
WIDE = 72
"""Columns of a terminal from which a label stands on one line; in a narrower one it has two, and so have headings."""
AGAINST = "real data"
"""The column of the number that real data have in place of generated ones."""


def print_evaluation(screen: Screen, evaluation: Evaluation) -> None:
    """One generator or folder: a table of its numbers; of several steps a table of each number."""
    if len(evaluation.judgments) > 1:
        for label, table in _steps(screen, evaluation):
            _print_one(screen, label, table)
    elif evaluation.values:
        table = _table(screen, "value", "", "better", AGAINST)
        for value in evaluation.values:
            table.add_row(_label(screen, value.label), number(value), value.better or "", _floor(value))
        screen.print(table)
    values = [value for judgment in evaluation.judgments.values() for value in judgment.values]
    _print_notes(screen, values)
    _print_failed(screen, evaluation.failed().items())


def print_beside(screen: Screen, compared: Sequence[SideBySide], named: Sequence[tuple[str, Evaluation]]) -> None:
    """Several runs or folders: a table of each number that was measured alike, and why the others are not compared."""
    for one in compared:
        if not one.rows:
            screen.print(f"not ranked together: {one.label}: {one.unlike}\n", soft_wrap=True)
            continue
        table = _table(screen, "", "step", "" if one.better is None else f"{one.better} is better", AGAINST)
        for row in one.rows:
            table.add_row(row.name, "" if row.step is None else str(row.step), number(row.value), _floor(row.value))
        _print_one(screen, one.label, table)
    _print_notes(screen, [row.value for one in compared for row in one.rows])
    if any(len(one.rows) > 1 for one in compared):
        screen.print(
            "note: each number is of one generator, so a difference may be chance; ganzoo compare trains several seeds "
            "and says which differences are more than that",
            soft_wrap=True,
        )
    _print_failed(screen, ((f"{name}: {what}", why) for name, one in named for what, why in one.failed().items()))


def number(value: Value) -> str:
    """``1.234 ± 0.056``; the second is the metric's own standard error, if it states one."""
    return f"{value.value:.4g}" + ("" if value.spread is None else f" ± {value.spread:.2g}")


def _table(screen: Screen, first: str, *others: str) -> Table:
    wide = screen.width >= WIDE
    table = Table(box=None, padding=(0, 2 if wide else 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(
            name if wide else name.replace(" ", "\n"), no_wrap=True, justify="left" if name == "better" else "right"
        )
    return table


def _label(screen: Screen, label: str) -> str:
    """The label, in two lines where it would leave no room for numbers."""
    return label if screen.width >= WIDE else label.replace("[", "\n  [", 1)


def _floor(value: Value) -> str:
    return "" if value.floor is None else f"{value.floor:.4g}"


def _steps(screen: Screen, evaluation: Evaluation) -> Iterator[tuple[str, Table]]:
    rows: dict[str, list[tuple[int | None, Value]]] = {}
    for step, judgment in evaluation.judgments.items():
        for value in judgment.values:
            rows.setdefault(value.label, []).append((step, value))
    for label, found in rows.items():
        better = found[0][1].better
        table = _table(screen, "step", "" if better is None else f"{better} is better", AGAINST, "")
        for step, value in found:
            best = "best" if evaluation.best(label) == step else ""
            table.add_row(str(step), number(value), _floor(value), best)
        yield label, table


def _print_one(screen: Screen, label: str, table: Table) -> None:
    screen.print(Text(label, style="bold"), soft_wrap=True)
    screen.print(table)
    screen.print()


def _print_notes(screen: Screen, values: Sequence[Value]) -> None:
    """What stands in the column of real data, and what is to be borne in mind."""
    which = dict.fromkeys(value.floor_of for value in values if value.floor_of is not None)
    for words in which:
        of = "" if len(which) == 1 else f" of {_numbers(value for value in values if value.floor_of == words)}"
        screen.print(f"{AGAINST}: the same number{of} with {words} in place of generated data", soft_wrap=True)
    for note in dict.fromkeys(note for value in values for note in value.warnings):
        screen.print(f"note: {note}", soft_wrap=True)


def _numbers(values: Iterable[Value]) -> str:
    return ", ".join(dict.fromkeys(value.key for value in values))


def _print_failed(screen: Screen, failed: Iterable[tuple[str, str]]) -> None:
    for name, reason in list(failed)[:LISTED]:
        screen.print(f"not measured: {name}: {reason}", soft_wrap=True)
