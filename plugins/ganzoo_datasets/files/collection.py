"""What a layout finds: every picture of a collection with its class, group and split, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.sources.source import PictureSource

SPLITS = ("train", "val", "test")
ALL = "all"
TABLE_OPTIONS = ("image_column", "label_column", "group_column", "split_column", "root")
"""Options that say how a table is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureItem:
    """One picture.

    Attributes:
        name: what the source calls it; for a file, its path below the place.
        label: its class, or the empty text.
        group: what it belongs to, such as a patient, or the empty text.
        split: ``train``, ``val`` or ``test``.
        where: where it is listed, such as ``line 7``, for messages.
    """

    name: str
    label: str = ""
    group: str = ""
    split: str = "train"
    where: str = ""

    @property
    def shown(self) -> str:
        """How messages name it."""
        return f"{self.where}: {self.name}" if self.where else self.name


@dataclass(frozen=True, kw_only=True)
class Collection:
    """All pictures of all splits.

    Attributes:
        layout: name of the layout that found them.
        place: the folder or file, for messages.
        source: where the pictures are.
        items: in the order of the dataset.
        classes: their order, where the layout knows it; otherwise it follows from the labels of train.
        left_out: path → why it is not among the pictures.
        faults: split → what is wrong with it, raised where that split is read; a broken test set must not keep anyone
            from training.
        obeyed: the options among ``TABLE_OPTIONS`` that the layout reads; others would have no effect.
        native: whether pictures keep their size where none is asked for, as arrays of small pictures do.
    """

    layout: str
    place: Path
    source: PictureSource
    items: tuple[PictureItem, ...]
    classes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, DataError] = field(default_factory=dict)
    obeyed: frozenset[str] = frozenset()
    native: bool = False
