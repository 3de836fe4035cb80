"""Which tables of a folder are read, if any, and why: a stray ``predictions.csv`` must not replace class folders."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.pixels.reader import is_picture
from ganzoo_datasets.files.sources.files import Files
from ganzoo_datasets.files.splits import split_of
from ganzoo_datasets.files.tables.class_folders import class_folders
from ganzoo_datasets.files.tables.columns import Columns, choose_columns, image_column, picture_columns
from ganzoo_datasets.files.tables.lookup import matches
from ganzoo_datasets.files.tables.names import Names
from ganzoo_datasets.files.tables.reading import has_ending, has_hint, peek, read_table
from ganzoo_datasets.files.tables.table import Row, Table

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

METADATA = ("metadata.csv", "metadata.jsonl")
RESULTS = re.compile(r"predict|submission|result|output|score", re.IGNORECASE)
"""In the name of a table that some model wrote."""


@dataclass(frozen=True)
class Candidate:
    """A table of a folder.

    Attributes:
        name: its path below the folder.
        table: its content.
        columns: what they mean.
        split: what its name says: ``train.csv``, ``test-metadata.csv``.
    """

    name: str
    table: Table
    columns: Columns
    split: str | None

    @property
    def below(self) -> str:
        """The folder that it lies in."""
        return os.path.dirname(self.name)


def select(place: Path, files: Files, names: Callable[[str], Names], options: Pictures) -> list[Candidate]:
    """The table to read, or one per split; empty where the folder is to be read without tables.

    Raises:
        DataError: several tables fit, or the layout was asked for and none does.
    """
    asked = options.layout != "auto" or bool(given_columns(options))
    found = _candidates(place, files, names, options)
    if not found:
        if asked:
            raise _none(place, files, options)
        return []
    folders = [] if asked else class_folders(files.names)
    if folders:
        _tell_of_folders(place, folders, found, options)
        return []
    chosen = _by_split(found)
    if not asked and not _says_more(chosen, names, files):
        logger.warning(
            "%s: %s without known columns of classes, groups or splits: not read "
            "(ganzoo run --data TABLE.csv reads a table)",
            place,
            _few([one.name for one in chosen]),
        )
        return []
    if len(chosen) > 1 and not all(one.split for one in chosen):
        raise _several(place, chosen)
    return chosen


def _tell_of_folders(place: Path, folders: Sequence[str], found: Sequence[Candidate], options: Pictures) -> None:
    # The layout "metadata" is asked first and has said so of its own tables.
    tables = [one for one in found if options.root is not None or not is_metadata(one.name, one.table)]
    if tables:
        logger.warning(
            "%s: the classes are the folders %s; %s is not read (--set data.layout=table reads it instead)",
            place,
            _few(folders),
            _few([one.name for one in tables]),
        )


def is_metadata(name: str, table: Table) -> bool:
    """Whether it is a table as Hugging Face keeps them beside pictures."""
    return os.path.basename(name).lower() in METADATA and "file_name" in table.header


def read_below(place: Path, files: Files, name: str) -> Table:
    """A table of a folder or an archive.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with files.open(name) as file:
            return read_table(place / name, file)
    except (OSError, UnreadablePicture) as error:
        raise DataError(f"cannot read {place / name}: {error}", hint="repair or remove it") from error


def peek_below(place: Path, files: Files, name: str, *, tell: bool = True) -> Table | None:
    """Its first lines, or ``None`` where it is not a table or cannot be read."""
    try:
        with files.open(name) as file:
            return peek(place / name, file, tell=tell)
    except (OSError, UnreadablePicture) as error:
        if tell:
            logger.warning("%s cannot be read and is not used: %s", place / name, error)
        return None


def _candidates(place: Path, files: Files, names: Callable[[str], Names], options: Pictures) -> list[Candidate]:
    """The tables that list pictures of this folder: those at the top, or else one or two folders below."""
    for depth in range(3):
        found = [
            candidate
            for name in files.names
            if name.count("/") == depth and (has_ending(name) or has_hint(name))
            if (candidate := _candidate(place, files, name, names, options)) is not None
        ]
        if found:
            return found
    return []


def _candidate(
    place: Path, files: Files, name: str, names: Callable[[str], Names], options: Pictures
) -> Candidate | None:
    start = peek_below(place, files, name)
    if start is None:
        return None
    if options.image_column is None and len(several := picture_columns(start)) > 1 and image_column(start) is None:
        logger.warning(
            "%s lists pictures in several columns and is not read; choose one of %s: --set data.image_column=%s",
            start.path,
            ", ".join(several),
            several[0],
        )
    unnamed = options.image_column is None and image_column(start) is None
    if unnamed or not set(given_columns(options)).issubset(start.header):
        return None
    table = read_below(place, files, name)
    columns = choose_columns(table, options)
    if not any(found_files(table, columns, names(os.path.dirname(name)))):
        level = logging.WARNING if columns.labels or columns.group else logging.INFO
        logger.log(level, "%s names no picture of this folder in column %s: not read", table.path, columns.image)
        return None
    stem = os.path.splitext(os.path.basename(name))[0]
    splits = {split for word in re.split(r"[^a-zA-Z]+", stem) if (split := split_of(word))}
    return Candidate(name, table, columns, splits.pop() if len(splits) == 1 else None)


def given_columns(options: Pictures) -> list[str]:
    """The columns that somebody named: only a table can have them."""
    given = (options.image_column, options.label_column, options.group_column, options.split_column)
    return [name for name in given if name is not None]


def found_files(table: Table, columns: Columns, names: Names) -> list[str]:
    """The files that a table names and that are there."""
    rows = [Row(0, name, "", "", "") for name in table.column(columns.image) if name]
    return [one for found in matches(table.path, names, rows) for one in found]


def _by_split(found: Sequence[Candidate]) -> list[Candidate]:
    """Those with classes, one per split, if that leaves one per split; else all that could be meant."""
    serious = [one for one in found if not RESULTS.search(one.name)] or list(found)
    labeled = [one for one in serious if one.columns.labels] or serious
    rest = [one for one in found if one not in labeled]
    splits = [one.split for one in labeled]
    one_each = len(labeled) > 1 and len(set(splits)) == len(splits) and "train" in splits and None not in splits
    if rest and (one_each or len(labeled) == 1):
        unused = [f"{one.name} (groups in {one.columns.group})" if one.columns.group else one.name for one in rest]
        logger.info("%s read; not read: %s", _few([one.name for one in labeled]), _few(unused))
    # The name of a single table says nothing: there is nothing else to train on.
    return labeled if one_each else [replace(one, split=None) for one in labeled]


def _says_more(tables: Sequence[Candidate], names: Callable[[str], Names], files: Files) -> bool:
    """Whether tables say more than the pictures do; a single one that lists most of them may be meant, too."""
    if any(one.columns.labels or one.columns.group or one.columns.split for one in tables):
        return True
    pictures = sum(map(is_picture, files.names))
    (one, *more) = tables
    return not more and 2 * len(found_files(one.table, one.columns, names(one.below))) >= pictures


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if names[5:] else "")


def _none(place: Path, files: Files, options: Pictures) -> DataError:
    tables = [name for name in files.names if has_ending(name)]
    wanted = f" in columns {', '.join(given)}" if (given := given_columns(options)) else ""
    return DataError(
        f"{place} has no table that lists its pictures{wanted}",
        given=", ".join(tables[:20]) or "no table",
        allowed="a table with a header that has a column such as image, at most two folders below the top",
        hint="--set data.image_column=NAME, or --set data.layout=auto",
    )


def _several(place: Path, found: Sequence[Candidate]) -> DataError:
    lines = [f"{one.name}: {', '.join(filter(None, one.table.header[:12]))}" for one in found]
    return DataError(
        f"{place} has several tables that list pictures{listed(lines, len(lines))}",
        allowed="one table, or one per split with the split in its name, such as train.csv and test.csv",
        hint="name the table: ganzoo run --data TABLE.csv",
    )
