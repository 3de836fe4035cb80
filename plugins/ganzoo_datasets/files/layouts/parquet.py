"""Parquet files with encoded pictures: one, or a folder of them with the split in each name."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.parquet import ROWS_AT_ONCE, Column, ParquetFile
from ganzoo_datasets.files.collection import Collection, PictureItem
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.layouts.within import folder_with
from ganzoo_datasets.files.sources.encoded import EncodedFile, EncodedSource
from ganzoo_datasets.files.splits import split_of

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "target")
GROUP_COLUMNS = ("group", "patient", "patient_id", "lesion_id")
HIDDEN = -1
"""The label of pictures whose class is kept secret, in the test sets of competitions."""


@dataclass(frozen=True)
class _Columns:
    """The columns that are read."""

    image: str
    label: Column | None
    group: str | None


def find(place: Place, options: Pictures) -> Collection | None:
    """The rows of one file, or of all files of a folder.

    Raises:
        DataError: no column of pictures, files of several sets, or broken files.
    """
    if place.path.is_file():
        if place.path.suffix.lower() != ".parquet":
            return None
        return _read(place.path, {place.path: "train"}, {}, options)
    folder = folder_with(place, lambda name: name.lower().endswith(".parquet"), "parquet files", options)
    if folder is None:
        return None
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".parquet" and path.is_file())
    splits = {path: _split(path) for path in files}
    if not any(splits.values()):
        return _read(folder, dict.fromkeys(files, "train"), {}, options)
    left = {path.name: "its name does not say train, validation or test" for path, split in splits.items() if not split}
    if left:
        logger.warning("%s: files of other splits are left out: %s", folder, ", ".join(left))
    return _read(folder, {path: split for path, split in splits.items() if split}, left, options)


def _split(path: Path) -> str | None:
    """``train-00000-of-00002.parquet``, ``validation.parquet``."""
    return split_of(re.split(r"[-_.]", path.stem)[0])


def _read(place: Path, splits: Mapping[Path, str], left: Mapping[str, str], options: Pictures) -> Collection:
    files = {path: ParquetFile(path) for path in splits}
    first = next(iter(files.values()))
    columns = _columns(first, options)
    for file in files.values():
        _check_same(first, file, columns)
    items = [item for path, split in splits.items() for item in _items(files[path], split, columns)]
    return Collection(
        layout="parquet",
        place=place,
        source=EncodedSource(
            place,
            {path.name: _encoded(file, columns.image) for path, file in files.items()},
            in_order=True,
        ),
        items=tuple(items),
        classes=() if columns.label is None else columns.label.classes,
        obeyed=frozenset(("image_column", "label_column", "group_column")),
        left_out=left,
    )


def _encoded(file: ParquetFile, column: str) -> EncodedFile:
    linked = {str(row): file.path.parent / name for row, name in file.links(column).items()}
    return EncodedFile(file.path, partial(_content, file, column), _quick, linked)


def _content(file: ParquetFile, column: str, row: str) -> bytes:
    return file.content(column, int(row))


def _quick(row: str) -> bool:
    """The sizes of the first pictures stand for all: to sample the others is to unpack the whole file."""
    return int(row) < ROWS_AT_ONCE


def _items(file: ParquetFile, split: str, columns: _Columns) -> list[PictureItem]:
    labels = groups = [""] * file.rows
    if (label := columns.label) is not None:
        labels = [_label(file, label, value) for value in file.values(label.name)]
    if columns.group is not None:
        groups = ["" if value is None else str(value) for value in file.values(columns.group)]
    return [
        PictureItem(name=f"{file.path.name}[{row}]", label=label, group=group, split=split)
        for row, (label, group) in enumerate(zip(labels, groups, strict=True))
    ]


def _label(file: ParquetFile, column: Column, value: object) -> str:
    if value is None or value == HIDDEN:
        return ""
    if not column.classes:
        return str(int(value)) if isinstance(value, bool) else str(value)
    if not isinstance(value, int) or not 0 <= value < len(column.classes):
        raise DataError(
            f"{file.path}: column {column.name!r} has a label that its classes do not name",
            given=value,
            allowed=f"0 to {len(column.classes) - 1}, or -1 where it is not known",
            hint="download the file again",
        )
    return column.classes[value]


def _columns(file: ParquetFile, options: Pictures) -> _Columns:
    columns = file.columns
    pictures = [name for name, column in columns.items() if column.kind == "picture"]
    image = options.image_column if options.image_column in pictures else next(iter(pictures), None)
    if image is None or (options.image_column not in pictures and (options.image_column is not None or pictures[1:])):
        raise DataError(
            f"{file.path} has no column of pictures" + (f" named {options.image_column!r}" if pictures else "")
            if not pictures or options.image_column is not None
            else f"{file.path} has several columns of pictures",
            given=", ".join(pictures or columns),
            allowed="one column with the bytes of encoded pictures, or with bytes and paths",
            hint="--set data.image_column=NAME" if pictures else "ganzoo run --data FOLDER, with the pictures as files",
        )
    label = _chosen(file, "label_column", options.label_column, LABEL_COLUMNS)
    group = _chosen(file, "group_column", options.group_column, GROUP_COLUMNS)
    return _Columns(image, label, None if group is None or options.groups == "none" else group.name)


def _chosen(file: ParquetFile, option: str, given: str | None, usual: Sequence[str]) -> Column | None:
    columns = file.columns
    if given is None:
        found = next((columns[name] for name in usual if name in columns), None)
        others = [name for name, column in columns.items() if column.classes and column is not found]
        if others and option == "label_column":
            logger.info(
                "%s: other columns of classes: %s (--data.label-column NAME takes one)", file.path, ", ".join(others)
            )
    else:
        found = columns.get(given)
    if found is None and given is None:
        return None
    if found is None or found.kind not in ("number", "text"):
        name = given if found is None else found.name
        raise DataError(
            f"{file.path}: column {name!r} does not hold one number or text for each picture",
            given=", ".join(f"{name} ({column.kind})" for name, column in columns.items()),
            allowed="a column of whole numbers or texts",
            hint=f"--set data.{option}=NAME",
        )
    return found


def _check_same(first: ParquetFile, other: ParquetFile, columns: _Columns) -> None:
    """All files belong to one set: the same columns, and numbers that mean the same classes."""
    for name in (columns.image, None if columns.label is None else columns.label.name, columns.group):
        if name is not None and first.columns[name] != other.columns.get(name):
            raise DataError(
                f"{other.path} does not belong to the same set as {first.path}: column {name!r} differs",
                given=f"{other.columns.get(name)}",
                allowed=f"{first.columns[name]}",
                hint="ganzoo run --data FILE.parquet, or a folder with the files of one set",
            )
