"""What a layout is asked, and how it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo_datasets.files.collection import Collection

if TYPE_CHECKING:
    from ganzoo_datasets.files.sources.files import Files
    from ganzoo_datasets.pictures import Pictures

Find = Callable[["Place", "Pictures"], Collection | None]


@dataclass(frozen=True)
class Place:
    """What stands at the path that somebody gave.

    Attributes:
        path: the folder or file.
        files: what is below it, for a folder or an archive; ``None`` for any other file.
    """

    path: Path
    files: Files | None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One row of the table of layouts.

    Attributes:
        name: as ``data.layout`` takes it.
        summary: how its files lie, in a line.
        module: below ``ganzoo_datasets.files.layouts``; it has ``find(place, options)``, which answers with the
            collection, or ``None`` where something else stands at the place.
    """

    name: str
    summary: str
    module: str

    def find(self, place: Place, options: Pictures) -> Collection | None:
        """The collection, if the place has this layout.

        Raises:
            DataError: it has, but something is wrong with it.
        """
        module = import_module(f"ganzoo_datasets.files.layouts.{self.module}")
        found: Collection | None = module.find(place, options)
        return found
