"""Which columns hold classes, by their values."""

from __future__ import annotations

from collections.abc import Sequence

from ganzoo_datasets.files.tables.table import Table

MOST_CLASSES = 50
MOST_NUMBERS = 10
UNLABELED = frozenset(("", "nan"))
"""What stands for no value, in lower case; pandas writes a missing one in either way."""


def looks_like_classes(cells: Sequence[str]) -> bool:
    """Whether few values repeat; many different numbers are a measurement, such as an age."""
    values = {cell for cell in cells if cell.casefold() not in UNLABELED}
    most = MOST_NUMBERS if all(_number(value) is not None for value in values) else MOST_CLASSES
    return 2 <= len(values) <= most and len(values) < len(cells) and not measured(list(values))


def measured(cells: Sequence[str]) -> bool:
    """Whether all are numbers and some have a fraction."""
    numbers = [_number(cell) for cell in cells if cell.casefold() not in UNLABELED]
    return None not in numbers and any(number is not None and number % 1 for number in numbers)


def class_columns(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    """Columns of 0 and 1, one per class, as ISIC 2018 and 2019 have them; empty where there are none.

    Beside columns of other kinds they count as classes only if no row has several ones and most rows have one: flags
    such as *smoker* are common, too.
    """
    flags = tuple(name for name in names if not _weight(name) and is_flags(table.column(name)))
    if len(flags) < 2:
        return ()
    if all(name in flags or _weight(name) for name in names):
        return flags
    ones = [sum(map(is_one, cells)) for cells in zip(*(table.column(name) for name in flags), strict=True)]
    return flags if max(ones) == 1 and 2 * sum(ones) > len(ones) else ()


def is_flags(cells: Sequence[str]) -> bool:
    """Whether every cell is 0 or 1."""
    return bool(cells) and all(_number(cell) in (0.0, 1.0) for cell in cells)


def is_one(cell: str) -> bool:
    """Whether a cell of a column of flags is set."""
    return _number(cell) == 1.0


def _weight(name: str) -> bool:
    # ISIC 2019 adds score_weight and validation_weight to the classes of its test set.
    return name.casefold().endswith("weight")


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
