"""What the columns of a table mean: the names that published sets use, and what values tell."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.pixels.reader import is_picture
from ganzoo_datasets.files.splits import split_of
from ganzoo_datasets.files.tables.class_columns import class_columns, looks_like_classes, measured
from ganzoo_datasets.files.tables.table import Table

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

IMAGES = (
    *("image", "image_name", "image_id", "img_id", "isic_id", "file_name", "image_path", "image_file", "image_index"),
    *("img", "img_name", "img_path", "file", "file_path", "file_paths", "path", "DDI_file", "md5hash", "id_code"),
    "id",
)
"""Names of the column of pictures, compared without case and punctuation; the first one present is used."""

LABELS = ("label", "labels", "class", "class_name", "category", "dx", "target", "diagnostic", "finding_labels")
"""Names of the column of classes. ``diagnosis`` is not among them: beside ``target`` it says another thing."""

PAIRS = (("id_code", "diagnosis"), ("image", "level"), ("image", "id"), ("id", "breed"))
"""Picture and class of published tables that have these two columns alone."""

GROUPS = (
    *("group", "patient_id", "patient", "subject_id", "subject", "writer_id", "writer", "case_id", "case"),
    *("lesion_id", "lesion"),
)
"""Names of the column of groups: patients before lesions, since a patient has several."""

SPLITS = ("split", "set", "data_set", "subset", "partition")
"""Names of the column of splits; below any but ``split`` one value at least must be train, so that it means splits."""


@dataclass(frozen=True)
class Columns:
    """Names of columns.

    Attributes:
        image: pictures.
        labels: classes: none, one column of names, or several of 0 and 1.
        group: what stays together, or ``None``.
        split: splits, or ``None``.
    """

    image: str
    labels: tuple[str, ...]
    group: str | None
    split: str | None

    @property
    def all(self) -> tuple[str, ...]:
        """Every column that is used."""
        return tuple(name for name in (self.image, *self.labels, self.group, self.split) if name is not None)


def image_column(table: Table) -> str | None:
    """The column of pictures: by its name, or else the only one whose cells all end like pictures."""
    if (named := _named(table.header, IMAGES)) is not None:
        return named
    ending = picture_columns(table)
    return ending[0] if len(ending) == 1 else None


def picture_columns(table: Table) -> list[str]:
    """The columns whose cells all end like pictures; none where the first line does so, too, and is not a header."""
    if not table.lines or any(map(is_picture, table.header)):
        return []
    return [name for name in dict.fromkeys(table.header) if all(map(is_picture, table.column(name)))]


def choose_columns(table: Table, options: Pictures) -> Columns:
    """The columns that options name, and by their names those that no option does.

    Raises:
        DataError: a column that an option names is missing, the column of pictures is, or one that is used is there
            several times.
    """
    image = _given(table, "image_column", options.image_column) or image_column(table)
    if image is None:
        raise _no_pictures(table)
    group = _given(table, "group_column", options.group_column) or _named(table.header, GROUPS)
    split = _given(table, "split_column", options.split_column) or _split_column(table)
    group = group if options.groups == "auto" else None
    known = (image, group, split)
    label = _given(table, "label_column", options.label_column)
    labels = (label,) if label else _labels(table, known)
    columns = Columns(image, labels if options.classes != "none" else (), group, split)
    table.refuse_twins(columns.all)
    return columns


def _no_pictures(table: Table) -> DataError:
    if any(map(is_picture, table.header)):
        return DataError(
            f"{table.path} has no header: line 1 lists a picture",
            given=", ".join(table.header),
            allowed="a first line with the names of the columns, such as image,label",
            hint="add that line",
        )
    several = picture_columns(table)
    return DataError(
        f"{table.path} has {'several columns' if several else 'no column'} with the names of pictures",
        given=f"line 1: {', '.join(table.header)}",
        allowed=f"one of {', '.join(several)}" if several else ", ".join(IMAGES),
        hint="--set data.image_column=NAME, with a column name from line 1",
    )


def _given(table: Table, option: str, name: str | None) -> str | None:
    if name is None or name in table.header:
        return name
    raise DataError(
        f"{table.path} has no column {name!r}",
        given=f"line 1: {', '.join(table.header)}",
        hint=f"--set data.{option}=NAME, with a column name from line 1",
    )


def key(name: str) -> str:
    """A name without case and punctuation: ``Image Index`` is ``image_index``."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _named(header: Iterable[str], usual: Sequence[str]) -> str | None:
    there = {key(name): name for name in reversed(tuple(header))}
    return next((there[key(name)] for name in usual if key(name) in there), None)


def _split_column(table: Table) -> str | None:
    for usual in SPLITS:
        name = _named(table.header, [usual])
        if name is not None and (usual == "split" or "train" in map(split_of, set(table.column(name)))):
            return name
    return None


def _labels(table: Table, known: Sequence[str | None]) -> tuple[str, ...]:
    rest = [name for name in dict.fromkeys(table.header) if name and name not in known]
    for image, label in PAIRS:
        if [key(name) for name in table.header] == [key(image), key(label)]:
            cells = table.column(table.header[1])
            return (table.header[1],) if len(set(cells)) < len(cells) else ()
    for usual in LABELS:
        name = _named(rest, [usual])
        if name is not None and (usual == "label" or not measured(table.column(name))):
            return (name,)
    return class_columns(table, rest)


def tell(table: Table, columns: Columns, options: Pictures) -> None:
    """Name the columns that are read, and those that look like classes and are not taken as such."""
    used = (("classes", ", ".join(columns.labels)), ("groups", columns.group), ("splits", columns.split))
    read = [f"{what} from {name}" for what, name in used if name]
    without = [what for what, name in used if not name]
    logger.info(
        "%s: %s%s",
        table.path,
        ", ".join([f"pictures from column {columns.image}", *read]),
        f"; no {', no '.join(without)}" if without else "",
    )
    if options.classes == "none" or options.label_column is not None:
        return
    rest = [name for name in dict.fromkeys(table.header) if name and name not in columns.all]
    likely = sorted((name for name in rest if looks_like_classes(table.column(name))), key=_unlikely)
    if columns.labels:
        if likely and columns.labels != (_named(table.header, ["label"]),):
            logger.info(
                "the classes are those of column %s; others look like classes: %s (--set data.label_column=NAME)",
                ", ".join(columns.labels),
                ", ".join(likely),
            )
    elif likely:
        logger.warning(
            "%s: no column of classes is known, so the data are unlabeled; %s looks like classes: "
            "--set data.label_column=%s%s",
            table.path,
            likely[0],
            likely[0],
            f" (or {', '.join(likely[1:])})" if likely[1:] else "",
        )
    elif rest:
        logger.info(
            "no column of classes: the data are unlabeled; unused columns: %s (--data.label-column NAME takes one)",
            ", ".join(rest),
        )


def _unlikely(name: str) -> bool:
    words = ("diagnos", "class", "label", "categor", "target", "type", "grade", "species", "benign", "malign", "diseas")
    return not any(word in key(name) for word in words)
