"""Which layout a place has: the layouts are asked one after another, the most telling first."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError, DataError
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.layouts.layout import Layout, Place
from ganzoo_datasets.files.sources.files import FolderFiles

if TYPE_CHECKING:
    from ganzoo_datasets.files.pictures import Pictures

AUTO = "auto"
LAYOUTS = (
    Layout(name="npz", summary="NumPy's .npz or .npy files with arrays of pictures and labels", module="npz"),
    Layout(name="hdf5", summary="HDF5 files with arrays, or with the bytes of each picture", module="hdf5"),
    Layout(name="mat", summary="MATLAB files of CIFAR, SVHN, or with such arrays", module="mat"),
    Layout(name="parquet", summary="parquet files with encoded pictures, as Hugging Face keeps them", module="parquet"),
    Layout(name="idx", summary="the files of MNIST, Fashion-MNIST, EMNIST or similar sets", module="idx"),
    Layout(name="pickles", summary="CIFAR's pickled batches, which are refused", module="pickles"),
    Layout(name="table", summary="a CSV file with the class, patient and split of each picture", module="table"),
    Layout(name="folders", summary="a folder of pictures, flat or one sub-folder per class", module="folders"),
)
"""In the order in which they are asked; ``folders`` takes any folder, so it comes last."""


def recognize(options: Pictures) -> Collection:
    """The collection at ``options.path``.

    Raises:
        DataError: nothing is there, or nothing that a layout knows.
        ConfigError: there is no such layout.
    """
    place = _place(Path(options.path))
    for layout in _asked(options.layout):
        if (found := layout.find(place, options)) is not None:
            return found
    known = options.layout == AUTO
    raise DataError(
        f"{place.path} is not a collection of pictures" + ("" if known else f" in the layout {options.layout!r}"),
        given=place.path,
        allowed="; ".join(layout.summary for layout in _asked(options.layout)),
        hint="ganzoo info pictures" if known else f"ganzoo run --data {shlex.quote(str(place.path))}",
    )


def _asked(name: str) -> tuple[Layout, ...]:
    chosen = tuple(layout for layout in LAYOUTS if name in (AUTO, layout.name))
    if not chosen:
        raise ConfigError(
            f"there is no layout {name!r}",
            given=name,
            allowed=", ".join((AUTO, *(layout.name for layout in LAYOUTS))),
            hint="--set data.layout=auto",
        )
    return chosen


def _place(path: Path) -> Place:
    if path.is_dir():
        return Place(path, FolderFiles(path))
    if not path.exists():
        raise DataError(
            f"there is no file or folder {path}",
            given=path,
            allowed="a folder of pictures, or a file that lists or holds them",
            hint="ganzoo run --data PATH",
        )
    return Place(path, None)
