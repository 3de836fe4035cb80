"""A table as it is written: a header and lines of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.listing import listed


@dataclass(frozen=True)
class Table:
    """Cells without spaces around them; a missing value is the empty text.

    Attributes:
        path: the file, for messages.
        header: names of the columns.
        lines: line number → cells, as many as the header has.
    """

    path: Path
    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in reversed(tuple(enumerate(self.header)))}

    def column(self, name: str | None) -> list[str]:
        """The cells below a name; empty ones where there is no such column."""
        if name is None:
            return [""] * len(self.lines)
        place = self._places[name]
        return [cells[place] for _, cells in self.lines]

    def refuse_twins(self, names: Sequence[str]) -> None:
        """Refuse a column that is used and bears the name of another.

        Raises:
            DataError: there are several of the name.
        """
        if twice := [name for name in names if self.header.count(name) > 1]:
            raise DataError(f"{self.path} has several columns named {twice[0]!r}", hint="rename all but one")


@dataclass(frozen=True)
class Row:
    """One picture as a table lists it."""

    line: int
    image: str
    label: str
    group: str
    split: str

    @property
    def shown(self) -> str:
        """How messages name it."""
        return f"line {self.line}: {self.image}"


def even(path: Path, header: tuple[str, ...], lines: Sequence[tuple[int, tuple[str, ...]]]) -> Table:
    """The table, if each line has as many cells as the header.

    Raises:
        DataError: some have not.
    """
    wrong = [f"line {line}: {len(cells)}" for line, cells in lines if len(cells) != len(header)]
    if wrong:
        raise DataError(
            f"{path}: some lines have more or fewer cells than the header{listed(wrong, len(wrong))}",
            allowed=f"{len(header)} cells: {', '.join(header)}",
            hint="quote cells that contain the separator",
        )
    return Table(path, header, tuple(lines))
