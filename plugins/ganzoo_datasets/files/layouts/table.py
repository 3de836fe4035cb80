"""A table that lists pictures, with the class, patient and split of each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection, Item
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.layouts.table_file import Columns, Row, find_files, read_table
from ganzoo_datasets.files.sources.files import FileSource, LooseFiles

if TYPE_CHECKING:
    from ganzoo_datasets.files.pictures import Pictures

logger = logging.getLogger("ganzoo")

GROUP_COLUMNS = ("group", "patient", "patient_id")
"""Default names of the column of groups; the first one present is used."""


def find(place: Place, options: Pictures) -> Collection | None:
    """The pictures that a CSV file lists.

    Raises:
        DataError: the table cannot be read, or does not match its pictures.
    """
    path = place.path
    if path.suffix.lower() not in (".csv", ".tsv") or place.files is not None:
        return None
    root = path.parent if options.root is None else Path(options.root)
    columns, rows = read_table(path, lambda header: _columns(path, header, options))
    names = find_files(path, root, rows, skip_missing=options.on_error == "skip")
    return Collection(
        layout="table",
        place=path,
        source=FileSource(LooseFiles(root)),
        items=tuple(_item(row, name, columns, options) for row, name in zip(rows, names, strict=True)),
    )


def _item(row: Row, name: str, columns: Columns, options: Pictures) -> Item:
    return Item(
        name=name,
        label=row.label,
        group=row.group if options.groups == "auto" else "",
        split=row.split if columns.split else "train",
        where=f"line {row.line}",
    )


def _columns(path: Path, header: Sequence[str], options: Pictures) -> Columns:
    columns = Columns(
        image=_present(path, header, "image_column", options.image_column),
        label=_column(path, header, "label_column", options.label_column, "label"),
        group=_column(path, header, "group_column", options.group_column, *GROUP_COLUMNS),
        split=_column(path, header, "split_column", options.split_column, "split"),
    )
    unused = [name for name in header if name and name not in astuple(columns)]
    if columns.label is None and unused:
        logger.info(
            "no column of classes: the data are unlabeled; unused columns: %s (--data.label-column NAME takes one)",
            ", ".join(unused),
        )
    return columns


def _column(path: Path, header: Sequence[str], option: str, name: str | None, *usual: str) -> str | None:
    if name is None:
        return next((one for one in usual if one in header), None)
    return _present(path, header, option, name)


def _present(path: Path, header: Sequence[str], option: str, name: str) -> str:
    if name not in header:
        raise DataError(
            f"{path} has no column {name!r}",
            given=f"line 1: {', '.join(header)}",
            hint=f"--set data.{option}=NAME, with a column name from line 1",
        )
    return name
