"""MATLAB's files: those of CIFAR and SVHN, and others with pictures and labels."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.axes import CIFAR, Axes
from ganzoo_datasets.files.arrays.mat import MatFile, texts
from ganzoo_datasets.files.arrays.stored import Header
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.layouts.stacks import SplitArray, class_names, collection, find_pairs, stack_of
from ganzoo_datasets.files.layouts.within import folder_with
from ganzoo_datasets.files.splits import split_of

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

PUBLISHED = re.compile(r"(?P<name>data|train|test|extra)(_batch(_\d+)?|_32x32)?\.mat")
CIFAR_LABELS = {"labels": "label_names", "fine_labels": "fine_label_names", "coarse_labels": "coarse_label_names"}
"""Labels → the names of their classes, in ``batches.meta.mat`` or ``meta.mat``; the first one present is used."""

SVHN_ROW = (32, 32, 3)


@dataclass(frozen=True)
class _Found:
    """The pictures and labels of a file, and how they are to be read."""

    arrays: MatFile
    images: str
    labels: str | None
    axes: Axes | None = None


def find(place: Place, options: Pictures) -> Collection | None:
    """One ``.mat`` file, or a folder with the published files of CIFAR or SVHN.

    Raises:
        DataError: variables of other names, shapes or types, MATLAB 7.3, or a broken file.
    """
    if place.path.is_file():
        return _read(place.path, [("train", place.path)], options) if place.path.suffix.lower() == ".mat" else None
    folder = folder_with(place, lambda name: PUBLISHED.fullmatch(name) is not None, "MATLAB's files", options)
    if folder is None:
        return None
    files = [(path, match) for path in sorted(folder.iterdir()) if (match := PUBLISHED.fullmatch(path.name))]
    wanted = [(split_of(match["name"]) or "train", path) for path, match in files if match["name"] != "extra"]
    left = {path.name: "not a part of train or test" for path, match in files if match["name"] == "extra"}
    if left:
        logger.warning("%s: %s is left out: --data FILE reads it alone", folder, ", ".join(left))
    return replace(_read(folder, wanted, options), left_out=left)


def _read(place: Path, files: Sequence[tuple[str, Path]], options: Pictures) -> Collection:
    parts: list[SplitArray] = []
    faults: dict[str, DataError] = {}
    classes: tuple[str, ...] = ()
    cifar = False
    for split, path in files:
        try:
            found = _found(MatFile(path), options)
            stack = stack_of(found.arrays, found.images, options, found.axes)
            labels = _labels(found, stack.header.shape[0])
        except DataError as error:
            faults[split] = error
            continue
        cifar |= found.axes is CIFAR
        if found.axes is CIFAR and (names := _class_names(path, found.labels)):
            classes, labels = names, [_name(names, path, label) for label in labels]
        parts.append(
            SplitArray(split, f"{path.name}: {found.images}" if len(files) > 1 else found.images, stack, labels)
        )
    read = collection("mat", place, parts, options, classes=classes, faults=faults)
    return replace(read, obeyed=frozenset(["label_column"])) if cifar or faults else read


def _found(arrays: MatFile, options: Pictures) -> _Found:
    """Which variables hold what."""
    headers = arrays.headers
    if "data" in headers and headers["data"].shape[1:] == (3072,):
        return _Found(arrays, "data", _cifar_labels(arrays, options), CIFAR)
    pairs = find_pairs(arrays)
    if len(pairs) > 1:
        raise DataError(
            f"{arrays.path} holds several arrays of pictures",
            given=", ".join(pair.images for pair in pairs),
            allowed="one array of pictures in each file, and one file for each split",
            hint="save each split as a file of its own, named after it",
        )
    (pair,) = pairs
    counted_last = _counts_last(arrays, headers[pair.images], pair.labels)
    turned = MatFile(arrays.path, frozenset([pair.images] if counted_last else []))
    return _Found(turned, pair.images, pair.labels)


def _cifar_labels(arrays: MatFile, options: Pictures) -> str | None:
    present = [name for name in CIFAR_LABELS if name in arrays.names]
    if options.label_column is not None and options.label_column not in present:
        raise DataError(
            f"{arrays.path} has no labels {options.label_column!r}",
            given=", ".join(arrays.names),
            allowed=", ".join(present) or "no labels",
            hint=f"--set data.label_column={present[0] if present else 'null'}",
        )
    if len(present) > 1 and options.label_column is None:
        logger.info("classes from %s; --data.label-column %s takes the others", present[0], present[1])
    return options.label_column or (present[0] if present else None)


def _counts_last(arrays: MatFile, header: Header, labels: str | None) -> bool:
    """Whether the last axis counts the pictures, as is usual in MATLAB; the number of labels tells.

    Raises:
        DataError: nothing tells.
    """
    count = None if labels is None else max(arrays.header(labels).shape)
    first, last = header.shape[0] == count, header.shape[-1] == count
    if first != last:
        return last
    if not first and len(header.shape) == 4 and header.shape[2] in (1, 3) and header.shape[3] not in (1, 3):
        return True
    raise DataError(
        f"{arrays.path}: it is not clear which axis counts the pictures",
        given=f"{header.kind} {header.shape}",
        allowed="an array with as many rows, first or last, as there are labels",
        hint="save it with labels, or as NumPy's file: numpy.savez(FILE, images=…)",
    )


def _labels(found: _Found, count: int) -> list[str]:
    """The class of each row; SVHN numbers its digits from 1 to 10, and 10 is the digit 0."""
    if found.labels is None:
        return []
    labels = class_names(found.arrays, found.labels, count)
    svhn = found.arrays.header(found.images).shape[1:] == SVHN_ROW and found.labels == "y"
    if svhn and "10" in labels and "0" not in labels:
        logger.info("%s: the label 10 is the digit 0, as in SVHN", found.arrays.path)
        return ["0" if label == "10" else label for label in labels]
    return labels


def _class_names(path: Path, labels: str | None) -> tuple[str, ...]:
    for beside in ("batches.meta.mat", "meta.mat"):
        meta = path.with_name(beside)
        if labels is not None and meta.is_file() and (names := texts(meta, CIFAR_LABELS[labels])):
            return names
    return ()


def _name(names: Sequence[str], path: Path, label: str) -> str:
    if not label.isdecimal() or int(label) >= len(names):
        raise DataError(
            f"{path} has a label that its meta file does not name",
            given=label,
            allowed=f"0 to {len(names) - 1}",
            hint="download both files again",
        )
    return names[int(label)]
