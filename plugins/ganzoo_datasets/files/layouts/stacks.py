"""Named arrays → a collection: each row is a picture, each number a class."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.axes import SHAPES, Axes, NotPictures, axes_of
from ganzoo_datasets.files.arrays.stored import Arrays, Header
from ganzoo_datasets.files.choosing import ordered
from ganzoo_datasets.files.collection import Collection, PictureItem
from ganzoo_datasets.files.layouts.array_names import KNOWN, Pair, pairs
from ganzoo_datasets.files.sources.rows import STATED, RowSource, Stack

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

TYPES = "uint8, uint16, bool, or floats from 0 or -1 to 1"


@dataclass(frozen=True)
class SplitArray:
    """An array of pictures of one split, and the class of each; no labels where there are none."""

    split: str
    name: str
    stack: Stack
    labels: Sequence[str] = ()


def find_pairs(arrays: Arrays) -> list[Pair]:
    """The pictures among named arrays, and their labels.

    Raises:
        DataError: no array has the name of pictures, or several could be meant.
    """
    try:
        found = pairs(arrays.names)
    except ValueError as error:
        raise _names_error(arrays, f"it is not clear which arrays to read: {error}") from error
    if not found:
        raise _names_error(arrays, "no array has a name that is known for pictures")
    used = {name for pair in found for name in (pair.images, pair.labels)}
    if unused := [name for name in arrays.names if name not in used]:
        logger.info("%s: unused arrays: %s", arrays.path, ", ".join(unused[:20]))
    return found


def read_pairs(layout: str, place: Path, wanted: Sequence[tuple[Arrays, Pair]], options: Pictures) -> Collection:
    """The pictures of all splits; what is wrong with one keeps nobody from reading another."""
    parts: list[SplitArray] = []
    faults: dict[str, DataError] = {}
    several = len({arrays.file(pair.images) for arrays, pair in wanted}) > 1
    for arrays, pair in wanted:
        split = pair.split or "train"
        try:
            stack = stack_of(arrays, pair.images, options)
            labels = _labels(arrays, pair, stack.header.shape[0])
        except DataError as error:
            faults[split] = error
            continue
        name = f"{arrays.file(pair.images).name}: {pair.images}" if several else pair.images
        parts.append(SplitArray(split, name, stack, labels))
    return collection(layout, place, parts, options, faults=faults)


def collection(
    layout: str,
    place: Path,
    parts: Sequence[SplitArray],
    options: Pictures,
    *,
    classes: tuple[str, ...] = (),
    faults: dict[str, DataError] | None = None,
) -> Collection:
    """Rows of some arrays as pictures."""
    for part in parts:
        if part.stack.axes.doubt:
            logger.warning(
                "%s: %s, %s, is read as rows of %s: %s; save it in another shape if that is wrong",
                place,
                part.name,
                part.stack.header.shape,
                part.stack.axes.shape,
                part.stack.axes.doubt,
            )
    return Collection(
        layout=layout,
        place=place,
        source=RowSource(place, {part.name: part.stack for part in parts}, range_given=range_given(options)),
        items=tuple(item for part in parts for item in _items(part)),
        classes=classes or by_value({label for part in parts for label in part.labels} - {""}),
        faults=faults or {},
        native=True,
    )


def by_value(names: set[str]) -> tuple[str, ...]:
    """Class names: numbers by value, also below zero; others as elsewhere."""
    try:
        return tuple(sorted(names, key=int))
    except ValueError:
        return ordered(names)


def range_given(options: Pictures) -> bool:
    """Whether the owner of the data says which values are black and white."""
    return options.range != "stored"


def stack_of(arrays: Arrays, name: str, options: Pictures, axes: Axes | None = None) -> Stack:
    """An array as pictures.

    Raises:
        DataError: its shape or type is not one of pictures.
    """
    header = arrays.header(name)
    try:
        found = axes or axes_of(header)
        _check_type(header, options)
    except NotPictures as error:
        raise DataError(
            f"{arrays.file(name)}: {name} is not an array of pictures that can be read: {error}",
            given=f"{header}",
            allowed=f"{TYPES}; {SHAPES}",
            hint=error.way_out,
        ) from error
    return Stack(file=arrays.file(name), header=header, axes=found, blocks=lambda start: arrays.blocks(name, start))


def _check_type(header: Header, options: Pictures) -> None:
    kind = header.kind
    if kind.kind not in "buif":
        raise NotPictures("its values are not numbers", "save it as uint8 with values from 0 to 255")
    if kind.kind in "ui" and kind.newbyteorder("=") not in STATED and not range_given(options):
        raise NotPictures(
            f"{kind} does not say which values are black and white",
            "--set data.range=measured",
        )


def class_names(arrays: Arrays, name: str, count: int) -> list[str]:
    """The class of each row: whole numbers or texts (N,) or (N, 1), or one-hot (N, K).

    Raises:
        DataError: another shape or type, several classes per picture, or another number of labels than pictures.
    """
    header = arrays.header(name)
    wanted = "one label per picture: whole numbers or texts (N,) or (N, 1), or one-hot (N, K)"
    without = f"save the file again without {name} to train without labels"
    if header.shape[1:] and set(header.shape[1:]) == {1}:
        header = Header(header.shape[:1], header.kind)
    if len(header.shape) not in (1, 2) or header.kind.kind not in "buiUSf" or 0 in header.shape:
        raise _labels_error(arrays, name, "is not an array of class numbers", header, wanted, without)
    if header.shape[0] != count and header.shape != (1, count):
        raise DataError(
            f"{arrays.file(name)}: {name} does not match its pictures",
            given=f"{header.shape[0]:,} labels for {count:,} images",
            allowed=wanted,
            hint="save the file again with one label per image",
        )
    values = arrays.whole(name)
    several = len(header.shape) == 2 and 1 not in header.shape
    if several and not _one_hot(values):
        reason = "has several labels per image, but an image can have only one class"
        raise _labels_error(arrays, name, reason, header, wanted, f"save one column as {name}, or {without}")
    if several:
        values = values.argmax(1)
    elif header.kind.kind == "f":
        raise _labels_error(
            arrays, name, "is not an array of class numbers", header, wanted, f"save integers, or {without}"
        )
    return [_text(value) for value in values.reshape(-1).tolist()]


def _labels(arrays: Arrays, pair: Pair, count: int) -> list[str]:
    if pair.labels is None:
        return []
    if pair.labels == "arr_1":
        header = arrays.header("arr_1")
        if header.kind.kind not in "ui" or header.shape not in ((count,), (count, 1)):
            logger.warning("%s: arr_1, %s, does not hold labels of arr_0 and is not used", arrays.path, header)
            return []
    return class_names(arrays, pair.labels, count)


def _items(part: SplitArray) -> list[PictureItem]:
    count = part.stack.header.shape[0]
    labels = part.labels or [""] * count
    return [PictureItem(name=f"{part.name}[{row}]", label=label, split=part.split) for row, label in enumerate(labels)]


def _one_hot(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "buif" and bool(np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _names_error(arrays: Arrays, reason: str) -> DataError:
    return DataError(
        f"{arrays.path}: {reason}",
        given=", ".join(arrays.names[:50]) or "no arrays",
        allowed=KNOWN,
        hint="save it again: numpy.savez_compressed(FILE, train_images=…, train_labels=…)",
    )


def _labels_error(arrays: Arrays, name: str, reason: str, header: Header, allowed: str, hint: str) -> DataError:
    return DataError(f"{arrays.file(name)}: {name} {reason}", given=f"{header}", allowed=allowed, hint=hint)
