"""Your own pictures, listed in a table with the class, patient and split of each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from ganzoo.component import DatasetOptions
from ganzoo.errors import DataError
from ganzoo_datasets.csv_table import SPLITS, Columns, Row, class_names, find_files, read_table
from ganzoo_datasets.picture_set import PictureSet, check_pixels, listed, open_pictures

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset

logger = logging.getLogger("ganzoo")

GROUP_COLUMNS = ("group", "patient", "patient_id")
"""Default names of the column of groups; the first one present is used."""


class Csv(DatasetOptions):
    """Pictures listed in a CSV file: ``image,label,group,split``, of which only ``image`` is required.

    Rows: ``image`` is a path, relative to the folder of the CSV file or to ``root``, or a name without its extension if
    exactly one picture matches (``ISIC_0000001`` for ``ISIC_0000001.jpg``). ``label`` is the name of a class. ``group``
    is what must stay together, usually the patient: it is kept as the dataset's ``groups`` and never shown to a
    network. ``split`` is ``train``, ``val`` or ``test``; without this column everything is train. A group in several
    splits causes a warning. Other columns are ignored. Columns with other names are chosen with ``image_column`` and so
    on.

    Without a column of labels, or with an empty one, the data are unlabeled, as they are with a single class. Labels on
    some lines only, files that are missing or listed twice, unknown columns and unknown splits are errors that name the
    lines. Classes are the labels of train: numbers by value, others alphabetically. Pictures keep the order of the
    file.

    The file: a header, then one line per picture; separated by commas, semicolons or tabs; UTF-8. Spaces around cells
    are ignored.

    Pixels, broken files and the cache: as in the dataset ``folder``. With ``on_error: skip``, missing files are left
    out like broken ones.

    Source: your own. Many public datasets come with such a table, for example ISIC's skin lesions.
    """

    path: str = Field(min_length=1, description="the CSV file; saved as an absolute path")
    root: str | None = Field(
        default=None, min_length=1, description="the folder that images are relative to; null = that of the CSV file"
    )
    image_column: str = Field(default="image", min_length=1, description="column with the paths of the images")
    label_column: str | None = Field(
        default=None, min_length=1, description="column with the classes; null = label, if present"
    )
    group_column: str | None = Field(
        default=None,
        min_length=1,
        description="column with patients or the like; null = group, patient or patient_id, if present",
    )
    split_column: str | None = Field(
        default=None, min_length=1, description="column with the splits; null = split, if present"
    )

    @field_validator("path", "root")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        return None if path is None else str(Path(path).expanduser().absolute())

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Read the table and decode one split, or map what an earlier run decoded.

        Raises:
            DataError: the table cannot be read, does not match its pictures or has no such split, or (``on_error:
                stop``) images cannot be read.
            ConfigError: channels other than 1 and 3, or a size below 1.
            ResourceError: the cache cannot be written.
        """
        check_pixels(image_size, channels)
        path = Path(self.path)
        root = path.parent if self.root is None else Path(self.root)
        columns, rows = read_table(path, self._columns)
        rows = rows if columns.split else [Row(row.line, row.image, row.label, row.group, "train") for row in rows]
        _warn_of_torn_groups(path, rows)
        chosen = _chosen(path, rows, split)
        names = find_files(path, root, chosen, skip_missing=self.on_error == "skip")
        classes = class_names(path, rows, chosen) if chosen[0].label else ()
        position = {name: number for number, name in enumerate(classes)}
        lines = {name: row.line for name, row in zip(names, chosen, strict=True)}
        pictures = PictureSet(
            root=root,
            names=names,
            classes=classes,
            labels=[position[row.label] for row in chosen] if classes else (),
            groups=[row.group for row in chosen] if chosen[0].group else None,
            shown=lambda name: f"line {lines[name]}: {name}",
        )
        return open_pictures(
            pictures, image_size=image_size, channels=channels, on_error=self.on_error, cache=cache / "csv"
        )

    def _columns(self, header: Sequence[str]) -> Columns:
        columns = Columns(
            image=self._present(header, "image_column", self.image_column),
            label=self._column(header, "label_column", self.label_column, "label"),
            group=self._column(header, "group_column", self.group_column, *GROUP_COLUMNS),
            split=self._column(header, "split_column", self.split_column, "split"),
        )
        unused = [name for name in header if name and name not in astuple(columns)]
        if columns.label is None and unused:
            logger.info(
                "no column of classes: the data are unlabeled; unused columns: %s (--data.label-column NAME takes one)",
                ", ".join(unused),
            )
        return columns

    def _column(self, header: Sequence[str], option: str, name: str | None, *usual: str) -> str | None:
        if name is None:
            return next((one for one in usual if one in header), None)
        return self._present(header, option, name)

    def _present(self, header: Sequence[str], option: str, name: str) -> str:
        if name not in header:
            raise DataError(
                f"{self.path} has no column {name!r}",
                given=f"line 1: {', '.join(header)}",
                hint=f"--set data.{option}=NAME, with a column name from line 1",
            )
        return name


def _chosen(path: Path, rows: Sequence[Row], split: str) -> list[Row]:
    present = [name for name in SPLITS if any(row.split == name for row in rows)]
    if split not in (*present, "all"):
        raise DataError(
            f"{path} has no split {split!r}",
            given=split,
            allowed=", ".join((*present, "all")),
            hint=f"--set data.split={present[0]}"
            + (f", or write {split} into the split column of its lines" if split in SPLITS else ""),
        )
    return [row for row in rows if split in (row.split, "all")]


def _warn_of_torn_groups(path: Path, rows: Sequence[Row]) -> None:
    """A patient in both train and test makes measurements on test too good."""
    splits: dict[str, set[str]] = {}
    for row in rows:
        if row.group:
            splits.setdefault(row.group, set()).add(row.split)
    torn = [f"{group}: {', '.join(sorted(found))}" for group, found in splits.items() if len(found) > 1]
    if torn:
        groups = "1 group is" if len(torn) == 1 else f"{len(torn):,} groups are"
        logger.warning("%s: %s in several splits%s", path, groups, listed(torn, len(torn)))
