"""Pictures with their splits and folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ganzoo_datasets.files.splits import Split

AUTO = "folders"
CLASSES = "class-folders"
SPLITS = "split-folders"
PARTS = "part-folders"
"""Values of ``data.layout``: what the folders at the top are."""


@dataclass(frozen=True)
class Placed:
    """One picture.

    Attributes:
        name: its path below the place.
        split: where its folders put it.
        root: the folder of its split.
        below: the folders from there to the picture; the first is its class, if there are classes.
    """

    name: str
    split: Split
    root: str
    below: tuple[str, ...]


@dataclass(frozen=True)
class Arrangement:
    """All pictures with their places.

    Attributes:
        placed: in the order of the names.
        left_out: path → why it is not among them.
        parts: folders that only divide the set, for messages.
    """

    placed: Sequence[Placed]
    left_out: Mapping[str, str] = field(default_factory=dict)
    parts: Sequence[str] = ()


def relative(name: str, root: str) -> list[str]:
    """The folders and the name of a file below a root."""
    return name[len(root) + 1 if root else 0 :].split("/")
