"""Hugging Face's folders: ``metadata.csv`` or ``metadata.jsonl`` with ``file_name``, at the top or one per split."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.sources.files import Files, FileSource
from ganzoo_datasets.files.tables.class_folders import class_folders
from ganzoo_datasets.files.tables.columns import choose_columns
from ganzoo_datasets.files.tables.names import Names, split_of_folder
from ganzoo_datasets.files.tables.pictures_listed import collected, list_pictures
from ganzoo_datasets.files.tables.selection import METADATA, is_metadata, peek_below, read_below

if TYPE_CHECKING:
    from ganzoo_datasets.files.tables.table import Table
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

DEEPEST = 2


def find(place: Place, options: Pictures) -> Collection | None:
    """The pictures that the metadata list.

    Raises:
        DataError: a table cannot be read, does not match its pictures, or two of them stand in one folder.
    """
    if place.files is None or options.root is not None:
        return None
    files = place.files
    found = [
        name for name in files.names if name.count("/") <= DEEPEST and _is_metadata(place.path, files, name, options)
    ]
    if not found:
        return None
    _refuse_twins(place.path, found)
    tables = {name: read_below(place.path, files, name) for name in found}
    if options.layout == "auto" and _leave_to_folders(place.path, files, tables, options):
        return None
    several = {split_of_folder(os.path.dirname(name)) for name in found} - {None}
    listed = [
        list_pictures(
            table,
            Names.of_tree(files, os.path.dirname(name)),
            place.path,
            options,
            split=split_of_folder(os.path.dirname(name)) if len(several) > 1 else None,
        )
        for name, table in tables.items()
    ]
    return collected("metadata", place.path, FileSource(files), listed, files.names, root=place.path)


def _is_metadata(place: Path, files: Files, name: str, options: Pictures) -> bool:
    if os.path.basename(name).lower() not in METADATA:
        return False
    # The layout "table" is asked next, and says what cannot be read.
    start = peek_below(place, files, name, tell=options.layout != "auto")
    return start is not None and is_metadata(name, start)


def _refuse_twins(place: Path, found: list[str]) -> None:
    folders = [os.path.dirname(name) for name in found]
    if twice := sorted(name for name in found if folders.count(os.path.dirname(name)) > 1):
        raise DataError(
            f"{place} has two tables of metadata in one folder",
            given=", ".join(twice),
            allowed=" or ".join(METADATA),
            hint="remove one of them",
        )


def _leave_to_folders(place: Path, files: Files, tables: dict[str, Table], options: Pictures) -> bool:
    """Whether folders look like classes and the metadata, such as captions, say nothing of classes."""
    labeled = any(choose_columns(table, options).labels for table in tables.values())
    folders = [] if labeled else class_folders(files.names)
    if folders:
        logger.warning(
            "%s: the classes are the folders %s, since %s has none (--set data.layout=metadata reads it instead)",
            place,
            ", ".join(folders[:5]),
            min(tables),
        )
    return bool(folders)
