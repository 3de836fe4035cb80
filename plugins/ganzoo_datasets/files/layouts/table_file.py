"""Which pictures a table lists, and the class, group and split of each."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import SPLITS
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.pixels.reader import SUFFIXES

DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Columns:
    """Names of columns; ``None`` where there is none."""

    image: str
    label: str | None
    group: str | None
    split: str | None


@dataclass(frozen=True)
class Row:
    """One line of the table; a missing value is the empty text."""

    line: int
    image: str
    label: str
    group: str
    split: str


def read_table(path: Path, choose: Callable[[Sequence[str]], Columns]) -> tuple[Columns, list[Row]]:
    """The rows of a table with a header, separated by commas, semicolons or tabs, in UTF-8.

    Args:
        path: the file.
        choose: header → the columns to use.

    Raises:
        DataError: it cannot be read or has no rows, or lines do not match the header or leave a column empty that other
            lines fill.
    """
    try:
        # Excel begins UTF-8 with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            stripped = ((reader.line_num, [cell.strip() for cell in cells]) for cells in reader)
            lines = [(number, cells) for number, cells in stripped if any(cells)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error
    if any("\0" in cell for _, cells in lines for cell in cells):
        raise DataError(f"{path} is not UTF-8 text", hint="save it as CSV UTF-8")
    if len(lines) < 2:
        raise DataError(
            f"{path} lists no pictures",
            given=f"{len(lines)} lines",
            allowed="a header, such as image,label,group, and one line per picture",
            hint="add the missing lines",
        )
    (_, header), *body = lines
    columns = choose(header)
    twice = [name for name in _names(columns) if name is not None and header.count(name) > 1]
    if twice:
        raise DataError(f"{path} has several columns named {twice[0]!r}", hint="rename all but one")
    _check_lengths(path, header, body)
    places = {name: header.index(name) for name in header}
    rows = [Row(line, *(_cell(cells, places, name) for name in _names(columns))) for line, cells in body]
    _check_filled(path, columns, rows)
    return columns, rows


def find_files(path: Path, root: Path, rows: Sequence[Row], *, skip_missing: bool) -> list[str]:
    """The file of each row, as a path below ``root``: as it is listed, or with the extension of the one file there.

    Raises:
        DataError: files are missing (unless they are to be skipped) or listed twice, or names match several files.
    """
    # Each folder is listed once, and anew each time the data are opened.
    endings = cache(_endings)
    found = [_find(root, row.image, endings) for row in rows]
    several = [
        f"line {row.line}: {row.image}: {', '.join(fit)}" for row, fit in zip(rows, found, strict=True) if fit[1:]
    ]
    if several:
        raise DataError(
            f"{path}: some names match several files{listed(several, len(several))}",
            hint="add the extension to these names",
        )
    missing = [f"line {row.line}: {row.image}" for row, fit in zip(rows, found, strict=True) if not fit]
    if missing and (not skip_missing or len(missing) == len(rows)):
        raise DataError(
            f"{path}: {len(missing):,} of {len(rows):,} images are missing{listed(missing, len(missing))}",
            given=f"paths below {root}",
            hint="--set data.root=FOLDER"
            + (", or leave them out with --set data.on_error=skip" if len(missing) < len(rows) else ""),
        )
    names = [fit[0] if fit else row.image for row, fit in zip(rows, found, strict=True)]
    _check_once(path, root, rows, names)
    return names


def _names(columns: Columns) -> tuple[str | None, ...]:
    return columns.image, columns.label, columns.group, columns.split


def _cell(cells: Sequence[str], places: Mapping[str, int], name: str | None) -> str:
    return "" if name is None else cells[places[name]]


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, UnicodeDecodeError):
        return DataError(f"{path} is not UTF-8 text", hint="save it as CSV UTF-8")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return DataError(
        f"cannot read {path}: {reason}",
        given=path,
        allowed="a CSV file",
        hint="ganzoo run --data csv --set data.path=FILE",
    )


def _check_lengths(path: Path, header: Sequence[str], body: Sequence[tuple[int, list[str]]]) -> None:
    wrong = [f"line {line}: {len(cells)}" for line, cells in body if len(cells) != len(header)]
    if wrong:
        raise DataError(
            f"{path}: some lines have more or fewer cells than the header{listed(wrong, len(wrong))}",
            allowed=f"{len(header)} cells: {', '.join(header)}",
            hint="quote cells that contain the separator",
        )


def _check_filled(path: Path, columns: Columns, rows: Sequence[Row]) -> None:
    for kind, name in zip(("image", "label", "group", "split"), _names(columns), strict=True):
        empty = [f"line {row.line}: {row.image}" for row in rows if not getattr(row, kind)]
        # A column of labels or groups that is empty on every line counts as absent.
        if name is not None and empty and (len(empty) < len(rows) or kind in ("image", "split")):
            raise DataError(
                f"{path}: {len(empty):,} of {len(rows):,} lines are empty in column {name!r}"
                f"{listed(empty, len(empty))}",
                hint="fill in the values, or remove these lines",
            )
    if columns.split is None:
        return
    strange = [f"line {row.line}: {row.split}" for row in rows if row.split not in SPLITS]
    if strange:
        raise DataError(
            f"{path}: there are unknown splits in column {columns.split!r}{listed(strange, len(strange))}",
            allowed=", ".join(SPLITS),
            hint="rename them",
        )


def _find(root: Path, name: str, endings: Callable[[Path], Mapping[str, Sequence[str]]]) -> list[str]:
    """The files a name may mean: the name itself, or else the name with the extension of a picture."""
    for spelled in dict.fromkeys((name, name.replace("\\", "/"))):
        # os.path returns False for names that no file can have, where pathlib may raise.
        if os.path.isfile(root / spelled):
            return [spelled]
        folder, stem = os.path.split(spelled)
        if fit := endings(root / folder).get(stem):
            return [os.path.join(folder, one) for one in fit]
    return []


def _endings(folder: Path) -> dict[str, list[str]]:
    """Name without its extension → the names of pictures in a folder."""
    found: dict[str, list[str]] = {}
    try:
        names = sorted(os.listdir(folder))
    except (OSError, ValueError):
        return found
    for name in names:
        stem, ending = os.path.splitext(name)
        if ending.lower() in SUFFIXES:
            found.setdefault(stem, []).append(name)
    return found


def _check_once(path: Path, root: Path, rows: Sequence[Row], names: Sequence[str]) -> None:
    first: dict[str, int] = {}
    twice = []
    for row, name in zip(rows, names, strict=True):
        place = os.path.normpath(root / name)
        if place in first:
            twice.append(f"line {row.line}: {row.image}, as in line {first[place]}")
        first.setdefault(place, row.line)
    if twice:
        raise DataError(f"{path}: some images are listed twice{listed(twice, len(twice))}", hint="remove these lines")
