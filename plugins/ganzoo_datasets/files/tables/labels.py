"""The class of each row: one name, one of several columns of 0 and 1, none, or several."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.tables.class_columns import UNLABELED, is_one
from ganzoo_datasets.files.tables.columns import Columns
from ganzoo_datasets.files.tables.table import Row, Table

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

JOINED = "|"


@dataclass(frozen=True)
class Sorted:
    """The rows that are kept, and each of the others with the reason."""

    kept: list[Row]
    dropped: list[tuple[Row, str]]


def rows_of(table: Table, columns: Columns, options: Pictures) -> Sorted:
    """The rows with one class each, or all where none has a class.

    Raises:
        DataError: rows have several classes (unless ``several_labels`` says what to do), or no row is left.
    """
    labels = _labels(table, columns)
    rows = _rows(table, columns, labels)
    several = [row for row, parts in zip(rows, labels, strict=True) if len(parts) > 1]
    none_left = len(several) == sum(map(bool, labels)) and options.several_labels == "drop"
    if several and (options.several_labels == "stop" or none_left):
        raise _several(table, columns, several)
    found = Sorted([], [])
    labeled = any(labels)
    for row, parts in zip(rows, labels, strict=True):
        if labeled and not parts:
            found.dropped.append((row, f"no class in {_shown(columns)}"))
        elif len(parts) > 1 and options.several_labels == "drop":
            found.dropped.append((row, f"several classes in {_shown(columns)}"))
        else:
            found.kept.append(row)
    _tell_dropped(table, found.dropped, len(rows))
    return found


def _rows(table: Table, columns: Columns, labels: Sequence[tuple[str, ...]]) -> list[Row]:
    others = (table.column(name) for name in (columns.image, columns.group, columns.split))
    return [
        Row(line, image, JOINED.join(sorted(parts)), group, split)
        for (line, _), parts, image, group, split in zip(table.lines, labels, *others, strict=True)
    ]


def _labels(table: Table, columns: Columns) -> list[tuple[str, ...]]:
    """The classes of each row."""
    if not columns.labels:
        return [()] * len(table.lines)
    if len(columns.labels) > 1:
        flags = zip(*(table.column(name) for name in columns.labels), strict=True)
        return [tuple(name for name, cell in zip(columns.labels, row, strict=True) if is_one(cell)) for row in flags]
    return _split_cells(table.column(columns.labels[0]))


def _split_cells(cells: Sequence[str]) -> list[tuple[str, ...]]:
    whole = set(cells)
    counted = Counter(part for cell in whole for part in _parts(cell, ",;|"))
    known = {cell: _classes_in(cell, whole, counted) for cell in whole}
    return [known[cell] for cell in cells]


def _classes_in(cell: str, whole: Set[str], counted: Mapping[str, int]) -> tuple[str, ...]:
    """The classes in a cell: ``a|b`` and ``a;b`` are always two.

    ``a,b`` is only where a part occurs elsewhere, and ``a b`` where every part does: "x, y" may be one name.
    """
    if cell.casefold() in UNLABELED:
        return ()
    if len(parts := _parts(cell, ";|")) > 1:
        return parts
    if len(parts := _parts(cell, ",")) > 1 and any(counted[part] > 1 for part in parts):
        return parts
    if len(parts := _parts(cell, " ")) > 1 and whole >= set(parts):
        return parts
    return (cell,)


def _parts(cell: str, separators: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in re.split(f"[{separators}]", cell) if part.strip()))


def _shown(columns: Columns) -> str:
    return f"column {columns.labels[0]!r}" if len(columns.labels) == 1 else f"columns {', '.join(columns.labels)}"


def _tell_dropped(table: Table, dropped: Sequence[tuple[Row, str]], total: int) -> None:
    for reason in dict.fromkeys(reason for _, reason in dropped):
        lines = [row.shown for row, why in dropped if why == reason]
        logger.warning(
            "%s: %s of %s lines have %s and are left out%s",
            table.path,
            f"{len(lines):,}",
            f"{total:,}",
            reason,
            listed(lines, len(lines)),
        )


def _several(table: Table, columns: Columns, several: Sequence[Row]) -> DataError:
    flags = len(columns.labels) > 1
    one = f", or take one column as the classes with --set data.label_column={columns.labels[0]}" if flags else ""
    return DataError(
        f"{table.path}: {len(several):,} of {len(table.lines):,} lines have several classes in {_shown(columns)}"
        f"{listed((f'{row.shown}: {row.label}' for row in several), len(several))}",
        allowed="one class per picture",
        hint="leave them out with --set data.several_labels=drop, or make each combination a class with "
        f"--set data.several_labels=join, or train without classes with --set data.classes=none{one}",
    )
