"""The pictures of a table as items of a collection, and those that no table lists."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import SPLITS, TABLE_OPTIONS, Collection, PictureItem
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.pixels.reader import is_picture
from ganzoo_datasets.files.sources.source import PictureSource
from ganzoo_datasets.files.splits import split_of
from ganzoo_datasets.files.tables.columns import Columns, choose_columns, tell
from ganzoo_datasets.files.tables.labels import rows_of
from ganzoo_datasets.files.tables.lookup import find_files, matches
from ganzoo_datasets.files.tables.names import Names, split_of_folder
from ganzoo_datasets.files.tables.table import Row, Table

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Listed:
    """What a table lists.

    Attributes:
        path: the table.
        items: the pictures, in its order.
        left_out: name → why it is not among them.
    """

    path: Path
    items: tuple[PictureItem, ...]
    left_out: Mapping[str, str]


def list_pictures(table: Table, names: Names, root: Path, options: Pictures, *, split: str | None = None) -> Listed:
    """The pictures of a table.

    Args:
        table: the table.
        names: the files that it may mean.
        root: the folder or archive of these files.
        options: what somebody chose.
        split: that of all pictures, if the table has no column of splits.

    Raises:
        DataError: the table does not match its pictures, or says too little of them.
    """
    columns = choose_columns(table, options)
    tell(table, columns, options)
    found = rows_of(table, columns, options)
    rows = found.kept
    _check_filled(table, columns, rows)
    said = _splits(table.path, columns, rows, split)
    files = find_files(table.path, names, root, rows, said, skip_missing=options.on_error == "skip")
    splits = [one for one in said if one is not None] or _splits_of_folders(table.path, files)
    items = tuple(
        PictureItem(
            name=name,
            label=row.label,
            group=os.path.dirname(name) if options.groups == "folder" else row.group,
            split=part,
            where=f"line {row.line}",
        )
        for row, name, part in zip(rows, files, splits, strict=True)
    )
    gone = matches(table.path, names, [row for row, _ in found.dropped])
    left_out = {fit[0] if fit else row.image: reason for (row, reason), fit in zip(found.dropped, gone, strict=True)}
    return Listed(table.path, items, left_out)


def collected(
    layout: str, place: Path, source: PictureSource, tables: Sequence[Listed], pictures: Iterable[str], *, root: Path
) -> Collection:
    """One collection from what tables list, and from the pictures that there are, as paths below ``root``."""

    def path(name: str) -> str:
        # Tables may name ../set/a.png of a folder called set.
        return os.path.normpath(os.path.join(root, name))

    _refuse_doubles(place, tables, path)
    items = tuple(item for table in tables for item in table.items)
    reasons = {name: reason for table in tables for name, reason in table.left_out.items()}
    known = {path(name) for name in (*reasons, *(item.name for item in items))}
    shown = ", ".join(table.path.name for table in tables)
    unlisted = [name for name in pictures if is_picture(name) and path(name) not in known]
    if unlisted:
        level = logging.WARNING if len(unlisted) > len(items) else logging.INFO
        logger.log(
            level,
            "%s: %s of %s pictures are not listed in %s and are left out%s",
            place,
            f"{len(unlisted):,}",
            f"{len(unlisted) + len(items):,}",
            shown,
            listed(unlisted, len(unlisted)) if level == logging.WARNING else "",
        )
    reasons |= dict.fromkeys(unlisted, f"not listed in {shown}")
    return Collection(
        layout=layout,
        place=place,
        source=source,
        items=items,
        left_out=reasons,
        obeyed=frozenset(TABLE_OPTIONS),
    )


def _refuse_doubles(place: Path, tables: Sequence[Listed], path: Callable[[str], str]) -> None:
    first: dict[str, Path] = {}
    twice = [
        f"{item.name}: {other} and {table.path}"
        for table in tables
        for item in table.items
        if (other := first.setdefault(path(item.name), table.path)) != table.path
    ]
    if twice:
        raise DataError(
            f"{place}: some pictures are listed in two tables{listed(twice, len(twice))}",
            allowed="each picture in one table",
            hint="name the one to read: ganzoo run --data TABLE.csv",
        )


def _check_filled(table: Table, columns: Columns, rows: Sequence[Row]) -> None:
    for kind, name in (("image", columns.image), ("group", columns.group), ("split", columns.split)):
        empty = [row.shown for row in rows if not getattr(row, kind)]
        # A column of groups that is empty on every line counts as absent.
        if name is not None and empty and (len(empty) < len(rows) or kind != "group"):
            ways = ", or read the data without groups: --set data.groups=none" if kind == "group" else ""
            raise DataError(
                f"{table.path}: {len(empty):,} of {len(rows):,} lines are empty in column {name!r}"
                f"{listed(empty, len(empty))}",
                hint=f"fill in the values, or remove these lines{ways}",
            )


def _splits(path: Path, columns: Columns, rows: Sequence[Row], split: str | None) -> list[str | None]:
    """The split of each row by its cell or by its table; ``None`` where neither says it."""
    if columns.split is None:
        return [split] * len(rows)
    strange = [f"line {row.line}: {row.split}" for row in rows if split_of(row.split) is None]
    if strange:
        raise DataError(
            f"{path}: there are unknown splits in column {columns.split!r}{listed(strange, len(strange))}",
            allowed=f"{', '.join(SPLITS)}, and their usual spellings",
            hint="rename them",
        )
    return [split_of(row.split) for row in rows]


def _splits_of_folders(path: Path, files: Sequence[str]) -> list[str]:
    """By ``train/`` and ``test/`` if the pictures are in both: nobody wants to train on the pictures of test."""
    known = {folder: split_of_folder(folder) for folder in {os.path.dirname(name) for name in files}}
    found = {split for split in known.values() if split}
    if "train" not in found or len(found) == 1 or not all(known.values()):
        return ["train"] * len(files)
    logger.info("%s: no column of splits; the folders of the pictures are %s", path, ", ".join(sorted(found)))
    return [known[os.path.dirname(name)] or "train" for name in files]
