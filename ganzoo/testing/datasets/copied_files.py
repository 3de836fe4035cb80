"""Copies of the files of data, as they are and with other bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ganzoo.testing.subject import Subject

LARGEST, MANY = 2**20, 200
"""So many bytes and files are copied."""
FLIPPED = 32
"""So many bytes of a file are turned, in its last quarter: headers stand at the beginning."""

Change = Callable[[list[Path]], None]


def sources(subject: Subject) -> dict[str, Path]:
    """Options that name a few small files; option → path."""
    named = {name: value for name, value in subject.chosen if isinstance(value, str | Path) and str(value)}
    paths = {name: Path(value).absolute() for name, value in named.items() if Path(value).exists()}
    return {name: path for name, path in paths.items() if _is_small(_folder_of(path))}


def copies(subject: Subject) -> Iterator[tuple[str, Subject, bool]]:
    """The data in another folder, as they are and with other bytes; in words, and whether they are as they were."""
    for name, path in sources(subject).items():
        count = len(_files(_folder_of(path)))
        changes: dict[str, Change | None] = {f"with a copy of {name}": None}
        changes[f"with a copy of {name}, whose files have changed places,"] = _change_places
        for place in sorted({place * count // 8 for place in range(8)}):
            changes[f"with a copy of {name}, bytes of whose file {place} have changed,"] = _turning(place)
        for words, change in changes.items():
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
                folder = Path(scratch) / _folder_of(path).name
                shutil.copytree(_folder_of(path), folder)
                if change is not None:
                    change(_files(folder))
                place_of_copy = folder if path.is_dir() else folder / path.name
                value = type(getattr(subject.chosen, name))(place_of_copy)
                yield words, replace(subject, options=subject.chosen.model_copy(update={name: value})), change is None


def _folder_of(path: Path) -> Path:
    """A table names files beside it."""
    return path if path.is_dir() else path.parent


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _is_small(folder: Path) -> bool:
    seen = size = 0
    for path in folder.rglob("*"):
        if path.is_symlink():
            return False
        seen, size = seen + 1, size + path.stat().st_size
        if seen > MANY or size > LARGEST:
            return False
    return seen > 0


def _change_places(files: list[Path]) -> None:
    """Each gets what the one before it held that has the same suffix."""
    for suffix in {path.suffix for path in files}:
        alike = [path for path in files if path.suffix == suffix]
        held = [path.read_bytes() for path in alike]
        for path, content in zip(alike, held[-1:] + held[:-1], strict=True):
            path.write_bytes(content)


def _turning(place: int) -> Change:
    def turn(files: list[Path]) -> None:
        held = bytearray(files[place].read_bytes())
        first = len(held) * 3 // 4
        held[first : first + FLIPPED] = bytes(255 - byte for byte in held[first : first + FLIPPED])
        files[place].write_bytes(held)

    return turn
