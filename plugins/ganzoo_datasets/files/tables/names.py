"""Which file a table means: names without a folder, without an ending, or with accents written in another way."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path

from ganzoo_datasets.files.pixels.reader import SUFFIXES
from ganzoo_datasets.files.sources.files import Files, state_of
from ganzoo_datasets.files.splits import split_of


class Names:
    """The files below a folder, by what a table may call them.

    Args:
        everything: lists all files below the folder, asked only when a name does not stand for a file as it is.
        exists: whether a name stands for a file as it is.
        state: a text for the content of a file, size first.
        base: the folder of the table, seen from there; names are looked up below it first.
        root: the folder itself, if it is one, to which absolute names are related.
    """

    def __init__(
        self,
        everything: Callable[[], Iterable[str]],
        exists: Callable[[str], bool],
        state: Callable[[str], str],
        *,
        base: str,
        root: Path | None,
    ) -> None:
        self._everything, self._exists, self._state = everything, exists, state
        self._base, self._root = base, root
        self._known: dict[tuple[str, int], list[str]] = {}

    @classmethod
    def of_tree(cls, files: Files, base: str) -> Names:
        """Of a folder or an archive that is known to its last file."""
        there = frozenset(files.names)
        return cls(lambda: files.names, there.__contains__, files.state, base=base, root=files.place)

    @classmethod
    def of_folder(cls, root: Path, everything: Callable[[], Iterable[str]]) -> Names:
        """Of a folder that is looked through only if names are not enough."""
        start = os.fspath(root)
        return cls(
            everything,
            # os.path returns False for names that no file can have, where pathlib may raise.
            lambda name: os.path.isfile(os.path.join(start, name)),
            lambda name: state_of(root / name),
            base="",
            root=root,
        )

    def find(self, name: str, leave: int = 0) -> list[str]:
        """All files that a name may mean, the folders at its beginning left away where that is asked for."""
        if (known := self._known.get((name, leave))) is None:
            known = self._known[name, leave] = self._find(name, leave)
        return known

    def _find(self, name: str, leave: int) -> list[str]:
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
        if len(fit) > 1:
            for place in dict.fromkeys((_composed(self._below(folder)), folder)):
                if here := [name for name in fit if _folder(name) == place]:
                    return here
        inside = [name for name in fit if f"/{_folder(name)}".endswith(f"/{folder}" if folder else "")]
        return inside[:1] if self._are_copies(inside) else inside

    def _are_copies(self, names: Sequence[str]) -> bool:
        """Whether files differ in the case of their folders alone.

        Kaggle's archive of HAM10000 has ``HAM10000_images_part_1`` and ``ham10000_images_part_1``.
        """
        if len(names) < 2 or len({(_folder(name).casefold(), os.path.basename(name)) for name in names}) > 1:
            return False
        return len({self._state(name).partition(" ")[0] for name in names}) == 1

    def _below(self, name: str) -> str:
        return f"{self._base}/{name}" if self._base and name else self._base or name

    @cached_property
    def _index(self) -> dict[str, list[str]]:
        """Name of a picture, with its ending in lower case or without it → its paths."""
        found: dict[str, list[str]] = {}
        for name in self._everything():
            stem, dot, ending = _composed(name.rpartition("/")[2]).rpartition(".")
            if dot and f".{ending.lower()}" in SUFFIXES:
                found.setdefault(f"{stem}.{ending.lower()}", []).append(name)
                found.setdefault(stem, []).append(name)
        return found


def shared_folders(parts: Sequence[Sequence[str]]) -> int:
    """How many first folders all names share and may be left away: one that means a split may not."""
    count = 0
    for together in zip(*(one[:-1] for one in parts), strict=False):
        if len(set(together)) > 1 or split_of(together[0]):
            break
        count += 1
    return count


def split_of_folder(folder: str) -> str | None:
    """The split that a path means: ``train``, ``data/test_images`` or ``ISIC_2019_Training_Input``."""
    for part in folder.split("/"):
        words = {split for word in (part, *re.split(r"[^a-zA-Z]+", part)) if (split := split_of(word))}
        if len(words) == 1:
            return words.pop()
    return None


def _folder(name: str) -> str:
    return _composed(name.rpartition("/")[0])


def _composed(name: str) -> str:
    # macOS writes é as two characters, tables mostly as one.
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _with_small_ending(base: str) -> str:
    stem, dot, ending = base.rpartition(".")
    return f"{stem}.{ending.lower()}" if dot else base
