"""A table that lists pictures, with the class, patient and split of each: the file, or the folder that holds both."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.sources.files import Files, FileSource, FolderFiles, LooseFiles, open_regular
from ganzoo_datasets.files.tables.columns import image_column
from ganzoo_datasets.files.tables.names import Names
from ganzoo_datasets.files.tables.pictures_listed import Listed, collected, list_pictures
from ganzoo_datasets.files.tables.reading import has_ending, peek, read_table
from ganzoo_datasets.files.tables.selection import select

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

NAME = "table"
_Read = TypeVar("_Read")
MOST_FOLDERS = 1000
"""Folders that are listed to count pictures which a table leaves out."""


def find(place: Place, options: Pictures) -> Collection | None:
    """The pictures that a table lists.

    Raises:
        DataError: the table cannot be read, or does not match its pictures.
    """
    if place.files is not None:
        return _of_tree(place.path, place.files, options)
    if has_ending(place.path.name) or options.layout == NAME or _begins_like_a_table(place.path):
        return _of_file(place.path, options)
    return None


def _begins_like_a_table(path: Path) -> bool:
    """Whether a file of another ending, or none, lists pictures."""
    if path.suffix.lower() not in ("", ".txt"):
        return False
    start = _opened(path, lambda file: peek(path, file))
    return start is not None and len(start.header) > 1 and image_column(start) is not None


def _of_file(path: Path, options: Pictures) -> Collection:
    root = path.parent if options.root is None else Path(options.root)
    table = _opened(path, lambda file: read_table(path, file))
    everything = cache(lambda: FolderFiles(root).names)
    listed = list_pictures(table, Names.of_folder(root, everything), root, options)
    walked = everything.cache_info().currsize > 0
    pictures = everything() if walked else _beside(root, [item.name for item in listed.items])
    return collected(NAME, path, FileSource(LooseFiles(root)), [listed], pictures, root=root)


def _beside(root: Path, names: Sequence[str]) -> Iterable[str]:
    """All files in the folders of some files."""
    folders = sorted({os.path.dirname(name) for name in names})
    for folder in folders if len(folders) <= MOST_FOLDERS else ():
        try:
            found = sorted(os.listdir(root / folder))
        except OSError:
            continue
        yield from (os.path.join(folder, name) for name in found if not name.startswith("."))


def _of_tree(path: Path, files: Files, options: Pictures) -> Collection | None:
    beside = files if options.root is None else FolderFiles(Path(options.root))

    @cache
    def names(below: str) -> Names:
        return Names.of_tree(beside, below if options.root is None else "")

    chosen = select(path, files, names, options)
    if not chosen:
        return None
    tables: list[Listed] = [
        list_pictures(one.table, names(one.below), beside.place, options, split=one.split) for one in chosen
    ]
    return collected(NAME, path, FileSource(beside), tables, beside.names, root=beside.place)


def _opened(path: Path, read: Callable[[IO[bytes]], _Read]) -> _Read:
    try:
        with open_regular(path) as file:
            return read(file)
    except (OSError, UnreadablePicture) as error:
        raise DataError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}",
            given=path,
            allowed="a file that can be read",
            hint=f"chmod u+r {shlex.quote(str(path))}",
        ) from error
