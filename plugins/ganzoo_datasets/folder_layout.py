"""Which files of a folder are its pictures, and what class and split each belongs to."""

from __future__ import annotations

import logging
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.picture import SUFFIXES

logger = logging.getLogger("ganzoo")

SPLITS = ("train", "val", "test")
ALL = "all"


@dataclass(frozen=True)
class Layout:
    """The pictures of one split.

    Attributes:
        names: paths below the folder, sorted, in the order of the dataset.
        classes: class names, sorted; empty where there are no class folders, or only one.
        labels: the class of each name; empty without classes.
        ignored: how many files do not have the extension of a picture.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    labels: tuple[int, ...]
    ignored: int


@dataclass
class _Part:
    """The pictures of one split, as paths below the root: flat ones, and those of each class folder."""

    place: Path
    flat: list[str] = field(default_factory=list)
    classes: dict[str, list[str]] = field(default_factory=dict)
    ignored: int = 0


def find_pictures(root: Path, split: str) -> Layout:
    """Look through a folder: flat, or one sub-folder per class, optionally inside train/, val/ and test/.

    Raises:
        DataError: the folder is missing, is empty, has another layout, or has no such split.
    """
    if not root.is_dir():
        raise DataError(
            f"{root} is not a folder" if root.exists() else f"there is no folder {root}",
            given=root,
            allowed="a folder of images, flat or one sub-folder per class",
            hint=_other_dataset(root) if root.exists() else "ganzoo run --data PATH",
        )
    places = split_folders(root)
    _warn_of_splits_taken_for_classes(root, places)
    if split not in (*places, ALL):
        raise DataError(
            f"{root} has no split {split!r}",
            given=split,
            allowed=", ".join((*places, ALL)),
            hint=f"put its images into {root / split} and the others into {root / 'train'}"
            if split in SPLITS
            else "--set data.split=train",
        )
    chosen = tuple(places) if split == ALL else (split,)
    # The classes are always those of train, so that a label means the same in every split.
    parts = {name: _checked(_part(root, place)) for name, place in places.items() if name in ("train", *chosen)}
    classes = _classes(parts)
    found = sorted(
        (name, position)
        for split_name in chosen
        for position, names in _numbered(parts[split_name], classes)
        for name in names
    )
    return Layout(
        names=tuple(name for name, _ in found),
        classes=classes,
        labels=tuple(position for _, position in found) if classes else (),
        ignored=sum(parts[name].ignored for name in chosen),
    )


def split_folders(root: Path) -> dict[str, Path]:
    """Split → its folder. A folder has splits if it holds train/, optionally val/ and test/, and no other picture."""
    entries = list(_entries(root))
    folders = [entry for entry in entries if _is_folder(entry)]
    named = {entry.name.lower(): Path(entry.path) for entry in folders}
    pictures = any(_is_picture(entry) for entry in entries)
    if "train" in named and len(named) == len(folders) and set(named) <= set(SPLITS) and not pictures:
        return {name: named[name] for name in SPLITS if name in named}
    return {"train": root}


def _warn_of_splits_taken_for_classes(root: Path, places: Mapping[str, Path]) -> None:
    """A train/ beside folders of other names is a class like them, which is rarely what its owner means."""
    folders = sorted(entry.name for entry in _entries(root) if _is_folder(entry))
    others = [name for name in folders if name.lower() not in SPLITS]
    if places == {"train": root} and others and "train" in map(str.lower, folders):
        logger.warning(
            "%s holds %s: these count as classes, not as splits, because a folder with splits holds only train/, val/ "
            "and test/; to get splits, rename or move away %s",
            root,
            ", ".join(folders),
            ", ".join(others),
        )


def _part(root: Path, place: Path) -> _Part:
    part = _Part(place)
    for entry in _entries(place):
        if _is_folder(entry):
            names, ignored = _walk(root, Path(entry.path), (os.path.realpath(place),))
            part.classes[entry.name] = names
            part.ignored += ignored
        elif _is_picture(entry):
            part.flat.append(_below(root, entry))
        else:
            part.ignored += 1
    return part


def _other_dataset(file: Path) -> str:
    """The command for a file that belongs to another dataset."""
    name = {".csv": "csv", ".npz": "npz"}.get(file.suffix.lower())
    return f"ganzoo run --data {name} --data.path {shlex.quote(str(file))}" if name else "ganzoo run --data PATH"


def _idx_command(folder: Path) -> str | None:
    """The command for a folder with the files of MNIST or a similar dataset."""
    found = any(re.search(r"-idx[13]-ubyte(\.gz)?$", file.name) for file in folder.iterdir())
    return f"ganzoo run --data idx --data.path {shlex.quote(str(folder))}" if found else None


def _checked(part: _Part) -> _Part:
    """The part, if all of its pictures are in class folders or none is. A flat folder may hold empty folders."""
    filled = sorted(name for name, names in part.classes.items() if names)
    empty = sorted(str(part.place / name) for name, names in part.classes.items() if not names)
    if not part.flat and not filled:
        raise DataError(
            f"{part.place} holds no image",
            given=f"{part.ignored} other file{'s' * (part.ignored != 1)}" if part.ignored else "no files",
            allowed=" ".join(sorted(SUFFIXES)),
            hint=_idx_command(part.place) or "use --data FOLDER with images, flat or one subfolder per class",
        )
    if part.flat and filled:
        raise DataError(
            f"{part.place} holds both images and sub-folders with images",
            given=f"{min(part.flat)} beside {part.place / filled[0]}",
            allowed="all images flat, or all in one sub-folder per class",
            hint="move the images into a class folder, or out of the sub-folders",
        )
    if filled and empty:
        raise DataError(
            f"{part.place} has class folders without images: {', '.join(empty)}",
            hint="remove them, or put images into them",
        )
    return _Part(part.place, part.flat, {} if part.flat else part.classes, part.ignored)


def _classes(parts: Mapping[str, _Part]) -> tuple[str, ...]:
    """The classes of train, which the other splits must share; fewer than two mean none."""
    known = set(parts["train"].classes)
    for split, part in parts.items():
        if bool(part.classes) != bool(known) or set(part.classes) - known:
            raise DataError(
                f"{part.place} has other classes than {parts['train'].place}",
                given=", ".join(sorted(part.classes)) or "no class folder",
                allowed=", ".join(sorted(known)) or "no class folder",
                hint=f"give train and {split} the same sub-folders",
            )
    return tuple(sorted(known)) if len(known) > 1 else ()


def _numbered(part: _Part, classes: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    yield 0, part.flat
    for name, names in part.classes.items():
        yield classes.index(name) if classes else 0, names


def _walk(root: Path, folder: Path, above: tuple[str, ...]) -> tuple[list[str], int]:
    """All pictures at any depth, and the number of other files; a link back to a folder above is not followed."""
    real = os.path.realpath(folder)
    if real in above:
        return [], 0
    names, ignored = [], 0
    for entry in _entries(folder):
        if _is_folder(entry):
            deeper, others = _walk(root, Path(entry.path), (*above, real))
            names += deeper
            ignored += others
        elif _is_picture(entry):
            names.append(_below(root, entry))
        else:
            ignored += 1
    return names, ignored


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, without hidden things and what macOS leaves in archives."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith((".", "__MACOSX"))]
    except OSError as error:
        raise DataError(
            f"cannot list the folder {folder}: {error.strerror}", hint=f"chmod u+rx {shlex.quote(str(folder))}"
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_picture(entry: os.DirEntry[str]) -> bool:
    """By its name alone: a broken file or link counts, and is named when it cannot be decoded."""
    return os.path.splitext(entry.name)[1].lower() in SUFFIXES and not _is_folder(entry)


def _below(root: Path, entry: os.DirEntry[str]) -> str:
    return entry.path[len(str(root)) :].lstrip(os.sep).replace(os.sep, "/")
