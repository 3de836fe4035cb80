"""What is wrong with the folders of a split: its pictures are all in class folders, those of train, or none is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.layouts.doubts import left_out, loose_left_out
from ganzoo_datasets.files.layouts.placed import Placed
from ganzoo_datasets.files.splits import Split


@dataclass
class _Part:
    """The pictures of one split."""

    roots: set[str] = field(default_factory=set)
    flat: list[str] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)
    """Class → one of its pictures."""


def faults(place: Path, placed: Sequence[Placed], folders: Sequence[str], used: Sequence[str]) -> dict[str, DataError]:
    """Split → what is wrong with it.

    Args:
        place: the folder or archive, for messages.
        placed: all pictures.
        folders: all folders below the place.
        used: those with files that were left out knowingly, which makes a folder no empty one.
    """
    parts: dict[Split, _Part] = defaultdict(_Part)
    for one in placed:
        part = parts[one.split]
        part.roots.add(one.root)
        if one.below:
            part.classes.setdefault(one.below[0], one.name)
        else:
            part.flat.append(one.name)
    filled = {above for name in (*used, *(one.name for one in placed)) for above in _above(name)}
    by_parent: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        if folder not in filled:
            by_parent[folder.rpartition("/")[0]].append(folder)
    found = {split: _fault(place, part, parts, by_parent) for split, part in parts.items()}
    return {split: fault for split, fault in found.items() if fault is not None}


def _fault(
    place: Path, part: _Part, parts: Mapping[Split, _Part], empty_below: Mapping[str, Sequence[str]]
) -> DataError | None:
    where = place / min(part.roots)
    if part.flat and part.classes:
        return DataError(
            f"{where} holds both images and sub-folders with images",
            given=f"{place / part.flat[0]} beside {place / min(part.classes.values())}",
            allowed="all images flat, or all in one sub-folder per class",
            hint=f"{loose_left_out(part.flat)}, or move them into a class folder, or read all pictures without "
            "classes: --set data.classes=none",
        )
    empty = sorted(folder for root in part.roots for folder in empty_below.get(root, ()))
    if part.classes and empty:
        return DataError(
            f"{where} has class folders without images: {', '.join(str(place / folder) for folder in empty)}",
            hint=f"{left_out(empty, 'these folders', 'remove these folders')}, or put images into them",
        )
    train = parts.get("train", part)
    known = set(train.classes)
    if bool(part.classes) != bool(known) or set(part.classes) - known:
        return DataError(
            f"{where} has other classes than {place / min(train.roots)}",
            given=", ".join(sorted(part.classes)) or "no class folder",
            allowed=", ".join(sorted(known)) or "no class folder",
            hint="give all splits the same sub-folders",
        )
    return None


def _above(name: str) -> list[str]:
    return [name[:end] for end, letter in enumerate(name) if letter == "/"]
