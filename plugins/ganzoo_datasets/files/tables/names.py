"""Which file a table means: names without a folder, without an ending, or with accents written in another way."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path

from ganzoo_datasets.files.pixels.reader import is_picture
from ganzoo_datasets.files.sources.files import Files
from ganzoo_datasets.files.splits import split_of


class Names:
    """The files below a folder, by what a table may call them.

    Args:
        everything: lists all files below the folder, asked only when a name does not stand for a file as it is.
        exists: whether a name stands for a file as it is.
        base: the folder of the table, seen from there; names are looked up below it first.
        root: the folder itself, if it is one, to which absolute names are related.
    """

    def __init__(
        self, everything: Callable[[], Iterable[str]], exists: Callable[[str], bool], *, base: str, root: Path | None
    ) -> None:
        self._everything, self._exists = everything, exists
        self._base, self._root = base, root

    @classmethod
    def of_tree(cls, files: Files, base: str) -> Names:
        """Of a folder or an archive that is known to its last file."""
        there = frozenset(files.names)
        return cls(lambda: files.names, there.__contains__, base=base, root=files.place)

    @classmethod
    def of_folder(cls, root: Path, everything: Callable[[], Iterable[str]]) -> Names:
        """Of a folder that is looked through only if names are not enough."""
        # os.path returns False for names that no file can have, where pathlib may raise.
        return cls(everything, lambda name: os.path.isfile(root / name), base="", root=root)

    def find(self, name: str, leave: int = 0) -> list[str]:
        """All files that a name may mean, the folders at its beginning left away where that is asked for."""
        if leave == 0:
            for spelled in dict.fromkeys((name, name.replace("\\", "/"))):
                for place in dict.fromkeys((self._below(spelled), spelled)):
                    if self._exists(place):
                        return [place]
        parts = self.parts(name)
        return self._alike("/".join(parts[leave:])) if len(parts) > leave else []

    def parts(self, name: str) -> list[str]:
        """Folders and name, as seen from the root."""
        plain = os.path.normpath(name.replace("\\", "/"))
        if self._root is not None and os.path.isabs(plain) and plain.startswith(f"{self._root}{os.sep}"):
            plain = os.path.relpath(plain, self._root)
        return plain.split("/")

    def _alike(self, plain: str) -> list[str]:
        folder, _, base = _composed(plain).rpartition("/")
        fit = self._index.get(_with_small_ending(base)) or self._index.get(base) or []
        for place in dict.fromkeys((_composed(self._below(folder)), folder)):
            if here := [name for name in fit if _composed(name).rpartition("/")[0] == place]:
                return here
        return [
            name for name in fit if f"/{_composed(name).rpartition('/')[0]}".endswith(f"/{folder}" if folder else "")
        ]

    def _below(self, name: str) -> str:
        return f"{self._base}/{name}" if self._base and name else self._base or name

    @cached_property
    def _index(self) -> dict[str, list[str]]:
        """Name of a picture, with its ending in lower case or without it → its paths."""
        found: dict[str, list[str]] = {}
        for name in self._everything():
            if is_picture(name):
                base = _with_small_ending(_composed(name.rpartition("/")[2]))
                found.setdefault(base, []).append(name)
                found.setdefault(os.path.splitext(base)[0], []).append(name)
        return found


def shared_folders(parts: Sequence[Sequence[str]]) -> int:
    """How many first folders all names share and may be left away: one that means a split may not."""
    count = 0
    for together in zip(*(one[:-1] for one in parts), strict=False):
        if len(set(together)) > 1 or split_of(together[0]):
            break
        count += 1
    return count


def _composed(name: str) -> str:
    # macOS writes é as two characters, tables mostly as one.
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _with_small_ending(base: str) -> str:
    stem, ending = os.path.splitext(base)
    return f"{stem}{ending.lower()}"
