"""Named picture files → a dataset: decode or map them, and report what was left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganzoo.errors import ConfigError, DataError
from ganzoo_datasets.decoding import typical_size
from ganzoo_datasets.image_array import ImageArray
from ganzoo_datasets.image_cache import CachedPictures, cached_pictures

logger = logging.getLogger("ganzoo")

LISTED = 20
"""How many names are printed; all unreadable ones are in a file beside the cached pixels."""


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """The pictures of one split.

    Attributes:
        root: the folder ``names`` are relative to.
        names: paths of the files, in the order of the dataset.
        classes: class names; fewer than two make the data unlabeled.
        labels: position in ``classes`` of each name; empty without classes.
        groups: what each picture belongs to, such as a patient.
        shown: how a name is written in messages.
    """

    root: Path
    names: Sequence[str]
    classes: Sequence[str] = ()
    labels: Sequence[int] = ()
    groups: Sequence[str] | None = None
    shown: Callable[[str], str] = str


def check_pixels(image_size: int | None, channels: int | None) -> None:
    """Refuse a size or a number of channels that no picture can have.

    Raises:
        ConfigError: channels other than 1 and 3, or a size below 1.
    """
    if channels not in (None, 1, 3) or (image_size is not None and image_size < 1):
        raise ConfigError(
            "images cannot be read with this size or number of channels",
            given=f"image_size {image_size}, channels {channels}",
            allowed="image_size of at least 1, channels 1 or 3",
            hint="--image-size 64 --set data.channels=3",
        )


def open_pictures(
    pictures: PictureSet,
    *,
    image_size: int | None,
    channels: int | None,
    on_error: Literal["stop", "skip"],
    cache: Path,
) -> ImageArray:
    """Decode the pictures, or map what an earlier run decoded.

    Raises:
        DataError: pictures cannot be read (``stop``), or no picture is left, or none of a class.
        ResourceError: the cache cannot be written.
    """
    root, names = pictures.root, pictures.names
    size = image_size or typical_size(root, names)
    found = cached_pictures(cache, root, names, size=size, channels=channels)
    unreadable = found.entry.unreadable
    if unreadable and (on_error == "stop" or len(unreadable) == len(names)):
        raise _unreadable_error(pictures, found)
    _note(pictures, found)
    kept = [row for row, name in enumerate(names) if name not in unreadable]
    labels = [pictures.labels[row] for row in kept] if pictures.classes else []
    _check_classes_left(pictures, labels)
    groups = None if pictures.groups is None else [pictures.groups[row] for row in kept]
    return ImageArray(found.pixels, digest=found.entry.digest, classes=pictures.classes, labels=labels, groups=groups)


def listed(names: Iterable[str], count: int, folder: Path | None = None) -> str:
    """Names on lines of their own, the first twenty; ``folder`` holds a list of all."""
    shown = [f"\n  {name}" for name, _ in zip(names, range(LISTED), strict=False)]
    if count > LISTED:
        where = f"; all are in {folder / 'unreadable.txt'}" if folder else ""
        shown.append(f"\n  and {count - LISTED:,} more{where}")
    # A name that is not valid UTF-8 must not break the message that names it.
    return "".join(shown).encode("utf-8", "backslashreplace").decode()


def _unreadable_error(pictures: PictureSet, found: CachedPictures) -> DataError:
    unreadable = found.entry.unreadable
    names = listed(_reasons(pictures, unreadable), len(unreadable), found.folder)
    readable = len(found.pixels) > 0
    return DataError(
        f"{pictures.root}: {len(unreadable):,} of {len(unreadable) + len(found.pixels):,} images cannot be read{names}",
        hint="repair or remove them, or leave them out with --set data.on_error=skip"
        if readable
        else "none is left: use another folder with --data PATH",
    )


def _note(pictures: PictureSet, found: CachedPictures) -> None:
    """Report what was done to the data, in every run."""
    entry = found.entry
    if entry.unreadable:
        lines = listed(_reasons(pictures, entry.unreadable), len(entry.unreadable), found.folder)
        share = f"{len(entry.unreadable):,} of {len(pictures.names):,}"
        logger.warning("%s images cannot be read and are left out%s", share, lines)
    if entry.animated:
        lines = listed(map(pictures.shown, entry.animated), len(entry.animated))
        share = f"{len(entry.animated):,} of {len(pictures.names):,}"
        logger.warning("%s images have several frames or pages; only the first is used%s", share, lines)


def _reasons(pictures: PictureSet, unreadable: Mapping[str, str]) -> Iterator[str]:
    return (f"{pictures.shown(name)}: {reason}" for name, reason in unreadable.items())


def _check_classes_left(pictures: PictureSet, labels: Sequence[int]) -> None:
    gone = set(pictures.labels) - set(labels)
    lost = [name for number, name in enumerate(pictures.classes) if number in gone]
    if lost:
        raise DataError(
            f"no image is left of class {', '.join(lost)}", hint="remove the class, or give it readable images"
        )
