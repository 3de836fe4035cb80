"""Pickled batches, which are refused: to read a pickle is to run whatever program is in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.pixels.reader import is_picture

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

BATCH = re.compile(r"(train_)?data_batch_\d+|test_batch|val_data")
CIFAR_100 = frozenset(("train", "test", "meta"))
PROTOCOL = b"\x80"
"""The first byte of pickles since protocol 2."""


def find(place: Place, options: Pictures) -> Collection | None:
    """Nothing; a file or folder of pickles is refused with the way out.

    Raises:
        DataError: the place is one.
    """
    found = _pickled_file(place.path) if place.path.is_file() and place.files is None else _batches(place)
    if not found:
        return None
    raise DataError(
        f"{place.path} holds Python pickles, which are not read: a pickle can run any program",
        given=", ".join(found[:10]),
        allowed="the same set as pictures, .npz, .mat or parquet; CIFAR is published for MATLAB too, at "
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        hint="ganzoo run --data FOLDER, with the files of the version for MATLAB",
    )


def _pickled_file(path: Path) -> list[str]:
    if not path.name.lower().endswith((".pkl", ".pickle")) and not _of_cifar(path.name):
        return []
    with path.open("rb") as file:
        return [path.name] if file.read(1) == PROTOCOL else []


def _batches(place: Place) -> list[str]:
    """The batches of CIFAR or of the small ImageNet in a folder; a pickle beside pictures is nobody's data."""
    names = () if place.files is None else place.files.names
    if any(is_picture(name) for name in names):
        return []
    short = {name.rpartition("/")[2] for name in names}
    return sorted(name for name in short if _of_cifar(name) and (name not in CIFAR_100 or short >= CIFAR_100))


def _of_cifar(name: str) -> bool:
    return name in CIFAR_100 or BATCH.fullmatch(name) is not None
