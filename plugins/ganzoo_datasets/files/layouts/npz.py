"""NumPy's files: one ``.npz`` or ``.npy``, or a folder of ``.npy`` files such as ``images.npy``, ``labels.npy``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.npy import NpyFiles, NpzFile, npy_files
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.layouts.array_names import Pair, pairs
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.layouts.stacks import find_pairs, read_pairs
from ganzoo_datasets.files.layouts.within import folder_with

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures


def find(place: Place, options: Pictures) -> Collection | None:
    """The arrays of NumPy at a place.

    Raises:
        DataError: arrays of other names, shapes or types, or a broken file.
    """
    path = place.path
    ending = path.suffix.lower()
    if path.is_dir():
        return _in_folder(place, options)
    if ending == ".npy":
        single = npy_files(path, [path])
        return read_pairs("npz", path, [(single, Pair("", path.stem, None))], options)
    return _npz(path, options) if ending == ".npz" else None


def _npz(path: Path, options: Pictures) -> Collection:
    arrays = NpzFile(path)
    return read_pairs("npz", path, [(arrays, pair) for pair in find_pairs(arrays)], options)


def _in_folder(place: Place, options: Pictures) -> Collection | None:
    """A folder with one ``.npz``, or with ``.npy`` files whose names say that they hold pictures."""
    folder = folder_with(place, lambda name: name.endswith(".npz") or _holds_pictures(name), "NumPy's files", options)
    if folder is None:
        return None
    arrays = npy_files(folder, [file for file in folder.glob("*.npy") if file.is_file()])
    archives = sorted(file for file in folder.glob("*.npz") if file.is_file())
    if len(archives) + bool(_named(arrays)) > 1:
        raise DataError(
            f"{folder} holds several files of arrays",
            given=", ".join(file.name for file in (*archives, *arrays.files.values())),
            allowed="one of them",
            hint="ganzoo run --data FILE.npz",
        )
    if archives:
        return _npz(archives[0], options)
    return read_pairs("npz", folder, [(arrays, pair) for pair in find_pairs(arrays)], options)


def _named(arrays: NpyFiles) -> bool:
    try:
        return bool(pairs(arrays.names))
    except ValueError:
        return True


def _holds_pictures(name: str) -> bool:
    return name.endswith(".npy") and bool(pairs([name.removesuffix(".npy")]))
