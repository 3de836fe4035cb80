"""What the arrays of a published set are called, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ganzoo_datasets.files.splits import SYNONYMS, split_of

_SPLITS = "|".join(word for words in SYNONYMS.values() for word in words)
_IMAGES = ("images", "image", "imgs", "img", "data", "x")
_LABELS = ("labels", "label", "targets", "target", "y")
_NAME = re.compile(
    rf"(?:(?P<before>{_SPLITS})[_-]?)?(?P<what>{'|'.join((*_IMAGES, *_LABELS))})(?:[_-]?(?P<after>{_SPLITS}))?",
    re.IGNORECASE,
)
KNOWN = "train_images and train_labels (val_…, test_…); images, labels; x_train, y_train; X, y; data, labels; arr_0"


@dataclass(frozen=True)
class Pair:
    """The pictures of a split and their labels, by the names of the arrays."""

    split: str
    images: str
    labels: str | None


def pairs(names: Iterable[str]) -> list[Pair]:
    """The pictures and labels among some arrays; split is the empty text where the names state none.

    Raises:
        ValueError: two arrays claim the same place.
    """
    found: dict[tuple[str, bool], str] = {}
    for name in sorted(names):
        if (place := _place(name)) is None:
            continue
        if place in found:
            raise ValueError(f"both {found[place]} and {name} could be {'pictures' if place[1] else 'labels'}")
        found[place] = name
    splits = [split for split in ("", "train", "val", "test") if (split, True) in found]
    if "" in splits and len(splits) > 1:
        raise ValueError(f"both {found['', True]} and {found[splits[1], True]} could be pictures of train")
    return [Pair(split, found[split, True], found.get((split, False))) for split in splits]


def _place(name: str) -> tuple[str, bool] | None:
    """Split, and whether it holds pictures; ``None`` for other names."""
    if name in ("arr_0", "arr_1"):
        return "", name == "arr_0"
    found = _NAME.fullmatch(name)
    if found is None or (found["before"] and found["after"]):
        return None
    return split_of(found["before"] or found["after"] or "") or "", found["what"].lower() in _IMAGES
