"""HDF5 files: arrays of pictures and labels, or the encoded bytes of each picture with a table beside them."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.hdf5 import ENDINGS, EncodedPictures, Hdf5File, Hdf5Files, holds_encoded, is_matlab
from ganzoo_datasets.files.arrays.stored import Arrays
from ganzoo_datasets.files.collection import Collection, PictureItem
from ganzoo_datasets.files.layouts.array_names import Pair
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.layouts.stacks import find_pairs, read_pairs
from ganzoo_datasets.files.layouts.within import folder_with
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.sources.encoded import EncodedFile, EncodedSource
from ganzoo_datasets.files.splits import split_of

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

ID_COLUMNS = ("isic_id", "image_id", "image", "image_name", "id")
LABEL_COLUMNS = ("target", "label", "dx", "diagnosis")
GROUP_COLUMNS = ("patient_id", "patient", "lesion_id", "group")

Rows = Mapping[str, tuple[str, str]]
"""Identifier → class and group."""


def find(place: Place, options: Pictures) -> Collection | None:
    """The pictures of one HDF5 file, or of those in a folder: one, or one per split.

    Raises:
        DataError: arrays of other names, shapes or types, tables that do not match, or broken files.
    """
    if place.path.is_file():
        if place.path.suffix.lower() not in ENDINGS:
            return None
        return _read(place.path, {"train": [place.path]}, options)
    folder = folder_with(place, lambda name: name.lower().endswith(ENDINGS), "HDF5 files", options)
    if folder is None:
        return None
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    return _read(folder, _by_split(folder, files), options)


def split_in_name(stem: str) -> str | None:
    """The split that a word in the name of a file means, as in train-image or camelyonpatch_level_2_split_test_x."""
    found = {split for word in re.split(r"[\W_]+", stem) if (split := split_of(word))}
    return found.pop() if len(found) == 1 else None


def _by_split(folder: Path, files: Sequence[Path]) -> dict[str, list[Path]]:
    if len(files) == 1:
        return {split_in_name(files[0].stem) or "train": list(files)}
    found: dict[str, list[Path]] = {}
    for file in files:
        if (split := split_in_name(file.stem)) is None:
            raise DataError(
                f"{folder} holds several HDF5 files, and their names do not say which is which split",
                given=", ".join(file.name for file in files),
                allowed="one file, or one per split, such as train.h5 and test.h5",
                hint="ganzoo run --data FILE.h5",
            )
        found.setdefault(split, []).append(file)
    return found


def _read(place: Path, files: Mapping[str, list[Path]], options: Pictures) -> Collection:
    paths = [path for several in files.values() for path in several]
    for path in paths:
        if is_matlab(path):
            raise DataError(
                f"{path} is a file of MATLAB 7.3, whose arrays have their axes in reverse",
                given=path,
                allowed="files of MATLAB 5 to 7",
                hint="save it in MATLAB with save(FILE, NAMES, '-v7'), or as PNG files",
            )
    if all(holds_encoded(path) for path in paths):
        return _encoded(place, files, options)
    wanted: list[tuple[Arrays, Pair]] = []
    for split, several in files.items():
        arrays: Arrays = Hdf5Files(place, several) if several[1:] else Hdf5File(several[0])
        pairs = find_pairs(arrays)
        # A file that names its splits itself is believed, and so is the name of the file where it does not.
        wanted += [(arrays, replace(pair, split=pair.split or split)) for pair in pairs]
    return read_pairs("hdf5", place, wanted, options)


def _encoded(place: Path, files: Mapping[str, list[Path]], options: Pictures) -> Collection:
    sources: dict[str, EncodedFile] = {}
    items: list[PictureItem] = []
    tables = False
    for split, path in ((split, path) for split, several in files.items() for path in several):
        pictures = EncodedPictures(path)
        sources[path.name] = EncodedFile(path, pictures.content)
        table = _table_beside(path)
        tables |= table is not None
        rows = {} if table is None else _rows(table, options)
        if table is not None:
            _check_rows(path, table, pictures.names, rows)
        for name in pictures.names:
            label, group = rows.get(name, ("", ""))
            items.append(PictureItem(name=f"{path.name}[{name}]", label=label, group=group, split=split))
    return Collection(
        layout="hdf5",
        place=place,
        source=EncodedSource(place, sources),
        items=tuple(items),
        obeyed=frozenset(("label_column", "group_column") if tables else ()),
    )


def _table_beside(path: Path) -> Path | None:
    """``train-image.hdf5`` goes with ``train-metadata.csv``, any other file with the CSV file of its own name."""
    stem = path.stem
    near = [
        path.with_name(f"{stem}.csv"),
        path.with_name(f"{stem}-metadata.csv"),
        path.with_name(f"{stem}_metadata.csv"),
    ]
    for ending in ("image", "images"):
        if stem.lower().endswith(ending):
            near.insert(0, path.with_name(f"{stem[: -len(ending)]}metadata.csv"))
    return next((one for one in near if one.is_file()), None)


def _rows(table: Path, options: Pictures) -> Rows:
    """The class and the group of each identifier."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = list(reader.fieldnames or ())
            key = _column(table, header, "image_column", None, ID_COLUMNS)
            if key is None:
                raise DataError(
                    f"{table} has no column of identifiers",
                    given=", ".join(header[:50]),
                    allowed=", ".join(ID_COLUMNS),
                    hint="rename the column with the names of the pictures to isic_id",
                )
            label = _column(table, header, "label_column", options.label_column, LABEL_COLUMNS)
            group = _column(table, header, "group_column", options.group_column, GROUP_COLUMNS)
            logger.info("%s: classes from column %s, groups from column %s", table, label, group)
            rows = {}
            for row in reader:
                name = (row[key] or "").strip()
                if name in rows:
                    raise DataError(f"{table} lists {name} twice", hint="remove one of the lines")
                rows[name] = ((label and row[label]) or "", (group and row[group]) or "")
            return rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"cannot read {table}: {error}", given=table, allowed="a CSV file in UTF-8", hint="save it as CSV UTF-8"
        ) from error


def _column(table: Path, header: Sequence[str], option: str, given: str | None, usual: Sequence[str]) -> str | None:
    if given is None:
        return next((name for name in usual if name in header), None)
    if given not in header:
        raise DataError(
            f"{table} has no column {given!r}",
            given=f"line 1: {', '.join(header[:50])}",
            hint=f"--set data.{option}=NAME, with a column name from line 1",
        )
    return given


def _check_rows(path: Path, table: Path, names: Sequence[str], rows: Rows) -> None:
    missing = [name for name in names if name not in rows]
    if missing:
        raise DataError(
            f"{table} lacks {len(missing):,} of the {len(names):,} pictures of {path.name}"
            f"{listed(missing, len(missing))}",
            allowed="one line per picture",
            hint="add the missing lines",
        )
    known = set(names)
    more = [name for name in rows if name not in known]
    if more:
        logger.warning(
            "%s lists %s that %s does not hold%s", table, f"{len(more):,} pictures", path.name, listed(more, len(more))
        )
