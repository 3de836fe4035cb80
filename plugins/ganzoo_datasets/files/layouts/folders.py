"""A folder of pictures: flat, or one sub-folder per class, optionally inside train/, val/ and test/."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import SPLITS, Collection, Item
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.pixels.reader import SUFFIXES, holds_picture, is_picture
from ganzoo_datasets.files.sources.files import Files, FileSource

if TYPE_CHECKING:
    from ganzoo_datasets.files.pictures import Pictures

logger = logging.getLogger("ganzoo")


@dataclass
class _Part:
    """The pictures of one split: flat ones, and those of each class folder; ``below`` is its folder, or empty."""

    below: str
    flat: list[str] = field(default_factory=list)
    classes: dict[str, list[str]] = field(default_factory=dict)
    other: list[str] = field(default_factory=list)


def find(place: Place, options: Pictures) -> Collection | None:
    """The pictures below a folder.

    Raises:
        DataError: it has no picture, or pictures in places that say two things.
    """
    if place.files is None:
        return None
    files = place.files
    splits = split_folders(files)
    _warn_of_splits_taken_for_classes(files, splits)
    parts = {name: _part(files, below) for name, below in splits.items()}
    faults = {name: fault for name, part in parts.items() if (fault := _fault(place.path, part, parts["train"]))}
    parts = {name: part for name, part in parts.items() if name not in faults}
    items = [
        Item(name=name, label=label, split=split)
        for split, part in parts.items()
        for label, names in ({"": part.flat} if part.flat else part.classes).items()
        for name in names
    ]
    other = [name for part in parts.values() for name in part.other]
    if other:
        logger.info("ignored files without the extension of an image: %s", f"{len(other):,}")
    return Collection(
        layout="folders",
        place=place.path,
        source=FileSource(files),
        items=tuple(sorted(items, key=lambda item: item.name)),
        classes=tuple(sorted({item.label for item in items if item.split == "train"} - {""})),
        left_out=dict.fromkeys(other, "not the extension of a picture"),
        faults=faults,
    )


def split_folders(files: Files) -> dict[str, str]:
    """Split → its folder. A folder has splits if it holds train/, optionally val/ and test/, and no other picture."""
    folders = _top(files.folders)
    named = {name.lower(): name for name in folders}
    pictures = any(is_picture(name) for name in _top(files.names))
    if "train" in named and len(named) == len(folders) and set(named) <= set(SPLITS) and not pictures:
        return {name: named[name] for name in SPLITS if name in named}
    return {"train": ""}


def _top(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if "/" not in name]


def _warn_of_splits_taken_for_classes(files: Files, splits: Mapping[str, str]) -> None:
    """A train/ beside folders of other names is a class like them, which is rarely what its owner means."""
    folders = sorted(_top(files.folders))
    others = [name for name in folders if name.lower() not in SPLITS]
    if splits == {"train": ""} and others and "train" in map(str.lower, folders):
        logger.warning(
            "%s holds %s: these count as classes, not as splits, because a folder with splits holds only train/, val/ "
            "and test/; to get splits, rename or move away %s",
            files.place,
            ", ".join(folders),
            ", ".join(others),
        )


def _part(files: Files, below: str) -> _Part:
    start = f"{below}/" if below else ""
    part = _Part(below)
    for folder in files.folders:
        if folder.startswith(start) and "/" not in folder[len(start) :]:
            part.classes[folder[len(start) :]] = []
    for name in files.names:
        if not name.startswith(start):
            continue
        folder, slash, _ = name[len(start) :].partition("/")
        if not holds_picture(name, files.open):
            part.other.append(name)
        elif slash:
            part.classes[folder].append(name)
        else:
            part.flat.append(name)
    return part


def _idx_command(folder: Path) -> str | None:
    """The command for a folder with the files of MNIST or a similar dataset."""
    found = folder.is_dir() and any(re.search(r"-idx[13]-ubyte(\.gz)?$", file.name) for file in folder.iterdir())
    return f"ganzoo run --data idx --data.path {shlex.quote(str(folder))}" if found else None


def _fault(root: Path, part: _Part, train: _Part) -> DataError | None:
    """What is wrong with a split: its pictures are all in class folders, those of train, or none is.

    A flat folder may hold empty folders.
    """
    place = root / part.below
    filled = {name for name, names in part.classes.items() if names}
    empty = [str(place / name) for name, names in part.classes.items() if not names]
    if not part.flat and not filled:
        return DataError(
            f"{place} holds no image",
            given=f"{len(part.other)} other file{'s' * (len(part.other) != 1)}" if part.other else "no files",
            allowed=" ".join(sorted(SUFFIXES)),
            hint=_idx_command(place) or "use --data FOLDER with images, flat or one subfolder per class",
        )
    if part.flat and filled:
        return DataError(
            f"{place} holds both images and sub-folders with images",
            given=f"{part.flat[0]} beside {place / min(filled)}",
            allowed="all images flat, or all in one sub-folder per class",
            hint="move the images into a class folder, or out of the sub-folders",
        )
    if filled and empty:
        return DataError(
            f"{place} has class folders without images: {', '.join(sorted(empty))}",
            hint="remove them, or put images into them",
        )
    known = set() if train.flat else set(train.classes)
    if bool(filled) != bool(known) or filled - known:
        return DataError(
            f"{place} has other classes than {root / train.below}",
            given=", ".join(sorted(filled)) or "no class folder",
            allowed=", ".join(sorted(known)) or "no class folder",
            hint="give all splits the same sub-folders",
        )
    return None
