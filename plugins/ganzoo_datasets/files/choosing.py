"""From a collection to the pictures of one split, with the class of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import ALL, SPLITS, Collection, PictureItem
from ganzoo_datasets.files.listing import listed


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The pictures of one split.

    Attributes:
        items: in the order of the dataset.
        classes: class names, those of train; fewer than two mean none.
    """

    items: tuple[PictureItem, ...]
    classes: tuple[str, ...]

    @property
    def labels(self) -> list[int]:
        """The position of each item's class; empty without classes."""
        position = {name: number for number, name in enumerate(self.classes)}
        return [position[item.label] for item in self.items] if self.classes else []

    @property
    def groups(self) -> list[str] | None:
        """The group of each item, if all have one."""
        groups = [item.group for item in self.items]
        return groups if all(groups) else None


def choose(collection: Collection, split: str) -> Chosen:
    """The pictures of a split. The classes are always those of train, so that a label means the same in every split.

    Raises:
        DataError: there is no such split, it has labels that train does not have, or a group is in several splits.
    """
    read = {item.split for item in collection.items} | set(collection.faults)
    present = [name for name in SPLITS if name in read]
    if split not in (*present, ALL):
        raise DataError(
            f"{collection.place} has no split {split!r}",
            given=split,
            allowed=", ".join((*present, ALL)),
            hint=f"--set data.split={present[0] if present else ALL}"
            + (f", or put pictures into {split}" if split in SPLITS else ""),
        )
    for part in present:
        if part in collection.faults and (part == "train" or split in (part, ALL)):
            raise collection.faults[part]
    _refuse_torn_groups(collection)
    _refuse_lines(collection)
    items = tuple(item for item in collection.items if split in (item.split, ALL))
    classes = _classes(collection, items)
    return Chosen(items=items, classes=classes if len(classes) > 1 else ())


def _refuse_lines(collection: Collection) -> None:
    """A name of several lines would stand in logs and messages as if somebody else had written the others."""
    broken = next((item.label for item in collection.items if len(item.label.splitlines()) > 1), None)
    if broken is not None:
        raise DataError(
            f"{collection.place} has a class whose name has a line break",
            given=repr(broken),
            allowed="names of one line",
            hint="rename the folder, or mend the table; or train without classes: --set data.classes=none",
        )


def ordered(names: set[str]) -> tuple[str, ...]:
    """Class names: numbers in order of their value, others alphabetically."""
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=_by_value))
    return tuple(sorted(names))


def _by_value(name: str) -> tuple[int, str, str]:
    """Sorts numbers by value; Python makes no number of more than 4,300 digits, which a cell may well hold."""
    digits = "".join(str(unicodedata.decimal(letter)) for letter in name).lstrip("0")
    return len(digits), digits, name


def _classes(collection: Collection, items: Sequence[PictureItem]) -> tuple[str, ...]:
    unlabeled = [item.shown for item in items if not item.label]
    if len(unlabeled) == len(items):
        return ()
    if unlabeled:
        raise DataError(
            f"{collection.place}: {len(unlabeled):,} of {len(items):,} pictures have no class"
            f"{listed(unlabeled, len(unlabeled))}",
            allowed="a class for every picture of the split, or for none",
            hint="give these pictures a class, or read a split that has classes: --set data.split=train",
        )
    in_train = {item.label for item in collection.items if item.split == "train"}
    known = in_train - {""} or {item.label for item in collection.items}
    strange = [f"{item.shown}: {item.label}" for item in items if item.label not in known]
    if strange:
        raise DataError(
            f"{collection.place}: some classes do not occur in train{listed(strange, len(strange))}",
            allowed=", ".join(sorted(known)[:50]),
            hint="put pictures of every class into train",
        )
    return tuple(name for name in collection.classes if name in known) or ordered(known - {""})


def _refuse_torn_groups(collection: Collection) -> None:
    """A patient in both train and test makes measurements on test too good."""
    splits: dict[str, set[str]] = {}
    for item in collection.items:
        if item.group:
            splits.setdefault(item.group, set()).add(item.split)
    torn = [f"{group}: {', '.join(sorted(found))}" for group, found in splits.items() if len(found) > 1]
    if torn:
        groups = "1 group is" if len(torn) == 1 else f"{len(torn):,} groups are"
        raise DataError(
            f"{collection.place}: {groups} in several splits{listed(torn, len(torn))}",
            allowed="every group, such as a patient, in one split",
            hint="move each group into one split, or read the data without groups: --set data.groups=none",
        )
