"""``data.exclude``: patterns of what is left out, in every layout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.sources.files import Files, is_loose

REASON = "data.exclude"


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern means a path, its file name, or a folder above it: ``*_mask.png``, ``masks``, ``a/*.jpg``.

    ``*`` stands for anything, ``/`` included; ``?`` for one character. Case counts.
    """
    pattern = pattern.strip("/")
    parts = name.split("/")
    above = ("/".join(parts[: end + 1]) for end in range(len(parts)))
    return any(fnmatchcase(text, pattern) for text in (*above, *parts))


def as_patterns(text: str) -> list[str]:
    """The patterns in a text, with commas between them."""
    return [part for part in re.split(r"\s*,\s*", text.strip()) if part]


@dataclass(frozen=True)
class KeptFiles:
    """Files without those that patterns exclude.

    Attributes:
        excluded: the others.
    """

    files: Files
    names: tuple[str, ...]
    folders: tuple[str, ...]
    excluded: tuple[str, ...]

    @property
    def place(self) -> Path:
        """That of all."""
        return self.files.place

    @property
    def loose(self) -> bool:
        """As all."""
        return is_loose(self.files)

    def state(self, name: str) -> str:
        """That of the file."""
        return self.files.state(name)

    def open(self, name: str) -> IO[bytes]:
        """The file."""
        return self.files.open(name)


def kept(files: Files, patterns: Sequence[str]) -> KeptFiles:
    """The files that no pattern means."""
    excluded = {name for name in files.names if any(matches(pattern, name) for pattern in patterns)}
    return KeptFiles(
        files,
        tuple(name for name in files.names if name not in excluded),
        tuple(name for name in files.folders if not any(matches(pattern, name) for pattern in patterns)),
        tuple(sorted(excluded)),
    )


def without_excluded(collection: Collection, files: Files | None, patterns: Sequence[str]) -> Collection:
    """The collection without excluded items, and a record of them.

    Raises:
        DataError: a pattern excludes nothing: misspelt, it would leave masks among the pictures.
    """
    out = [item.name for item in collection.items if any(matches(pattern, item.name) for pattern in patterns)]
    out += files.excluded if isinstance(files, KeptFiles) else ()
    known = [*out, *(name for name, reason in collection.left_out.items() if reason == REASON)]
    known += files.files.folders if isinstance(files, KeptFiles) else ()  # an empty one has no file that would count
    idle = [pattern for pattern in patterns if not any(matches(pattern, name) for name in known)]
    if idle:
        raise DataError(
            f"{collection.place}: data.exclude leaves nothing out with {', '.join(idle)}",
            given=", ".join(idle),
            allowed="paths below it, names of files or folders, with * and ?, such as *_mask.png or masks",
            hint="correct the pattern, or remove it",
        )
    if not out:
        return collection
    gone = set(out)
    return replace(
        collection,
        items=tuple(item for item in collection.items if item.name not in gone),
        left_out={**collection.left_out, **dict.fromkeys(out, REASON)},
    )
