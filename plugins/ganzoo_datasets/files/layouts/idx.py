"""The files of MNIST and its family: in a folder, or one file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.axes import GRAY, LYING
from ganzoo_datasets.files.arrays.idx import idx_rows, idx_shape, reading
from ganzoo_datasets.files.arrays.stored import Header
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.layouts.stacks import SplitArray, collection
from ganzoo_datasets.files.layouts.within import folder_with
from ganzoo_datasets.files.sources.rows import Stack

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

NAME = re.compile(
    r"(?:(?P<family>.+)-)?(?P<split>train|t10k|test)-(?P<what>images|labels)[-.]idx(?P<dimensions>\d)-\w+(?:\.gz)?"
)
FILES = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"

Parts = Mapping[str, Mapping[str, Path]]
"""Split → images or labels → file."""


def find(place: Place, options: Pictures) -> Collection | None:
    """The IDX files of a folder, or one of them, with the labels that lie beside it.

    Raises:
        DataError: several families, or files that are broken or do not belong together.
    """
    if place.path.is_file():
        match = NAME.fullmatch(place.path.name)
        if match is None:
            return None
        if match["what"] == "labels":
            raise _no_images(place.path, "these are the labels")
        beside = _families(place.path.parent)[match["family"] or ""]
        labels = beside["train" if match["split"] == "train" else "test"].get("labels")
        return _collection(place.path, match["family"] or "", {"train": _files(place.path, labels)}, options)
    folder = folder_with(place, lambda name: NAME.fullmatch(name) is not None, "IDX files", options)
    if folder is None:
        return None
    family, parts = _family(folder, options.family)
    return _collection(folder, family, parts, options)


def _files(images: Path, labels: Path | None) -> dict[str, Path]:
    return {"images": images} | ({} if labels is None else {"labels": labels})


def _collection(place: Path, family: str, parts: Parts, options: Pictures) -> Collection:
    lying = family.startswith("emnist") if options.transpose is None else options.transpose
    read: list[SplitArray] = []
    faults: dict[str, DataError] = {}
    for split in ("train", "test"):
        if "images" not in parts.get(split, {}):
            continue
        try:
            read.append(_part(split, parts[split], lying=lying))
        except DataError as error:
            faults[split] = error
    if not read and not faults:
        raise _no_images(place, "there are only labels")
    return collection("idx", place, read, options, faults=faults)


def _part(split: str, files: Mapping[str, Path], *, lying: bool) -> SplitArray:
    path = files["images"]
    stack = Stack(
        file=path,
        header=Header(idx_shape(path, dimensions=3), np.dtype(np.uint8)),
        axes=LYING if lying else GRAY,
        blocks=lambda start: idx_rows(path, start, dimensions=3),
    )
    return SplitArray(split, path.name, stack, _labels(files, stack.header.shape[0]))


def _labels(files: Mapping[str, Path], count: int) -> list[str]:
    if "labels" not in files:
        return []
    path = files["labels"]
    (stated,) = idx_shape(path, dimensions=1)
    labels = [str(number) for block in idx_rows(path, dimensions=1) for number in block.tolist()]
    if stated != count:
        raise DataError(
            f"{path} does not match {files['images'].name}",
            given=f"{stated:,} labels for {count:,} images",
            hint="download both again",
        )
    return labels


def _family(folder: Path, wanted: str | None) -> tuple[str, Parts]:
    """The family that is read, and its files."""
    families = _families(folder)
    names = sorted(families)
    if wanted is not None and wanted not in families:
        raise DataError(
            f"{folder} holds no IDX files of family {wanted!r}",
            given=wanted,
            allowed=", ".join(map(repr, names)),
            hint=f"--set data.family={shlex.quote(names[-1] or 'null')}",
        )
    if wanted is None and len(names) > 1:
        raise DataError(
            f"{folder} holds IDX files of several families",
            given=", ".join(name or "(no family)" for name in names),
            allowed="one of them",
            hint=f"--set data.family={shlex.quote(names[-1])}",
        )
    chosen = wanted if wanted is not None else names[0]
    return chosen, families[chosen]


def _families(folder: Path) -> dict[str, dict[str, dict[str, Path]]]:
    """Family → split → images or labels → file."""
    families: dict[str, dict[str, dict[str, Path]]] = {}
    with reading(folder):
        # Longer names first, so that an uncompressed file takes the place of its .gz.
        paths = sorted(folder.iterdir(), key=lambda path: (-len(path.name), path.name))
    for path in paths:
        if (match := NAME.fullmatch(path.name)) and path.is_file():
            part = "train" if match["split"] == "train" else "test"
            families.setdefault(match["family"] or "", {}).setdefault(part, {})[match["what"]] = path
    return families


def _no_images(place: Path, reason: str) -> DataError:
    return DataError(
        f"{place} holds no IDX images: {reason}",
        given=place,
        allowed=f"{FILES}, each optionally with .gz",
        hint="ganzoo run --data FOLDER, with the folder of the images",
    )
