"""Files below a place: what layouts look through, and what pictures are read from."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar, Protocol

from ganzoo.errors import DataError
from ganzoo_datasets.files.pixels import reader
from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture


class Files(Protocol):
    """A tree of files, in a folder or in an archive. Hidden files, and what macOS leaves in archives, are not in it."""

    @property
    def place(self) -> Path:
        """The folder or archive."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Paths below it, with ``/``, sorted."""
        ...

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders below it, empty ones too."""
        ...

    def state(self, name: str) -> str:
        """A text that changes when the content of a file does, found without reading it."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """The content; it can be read from any place.

        Raises:
            OSError: it cannot be read.
        """
        ...


class FolderFiles:
    """The files of a folder and of the folders in it.

    Raises:
        DataError: a folder cannot be listed.
    """

    loose = True

    def __init__(self, place: Path) -> None:
        self.place: Path = place
        names: list[str] = []
        folders: list[str] = []
        for folder, entry in _walk(place, "", ()):
            (folders if folder else names).append(entry)
        self.names: tuple[str, ...] = tuple(sorted(names))
        self.folders: tuple[str, ...] = tuple(sorted(folders))

    def state(self, name: str) -> str:
        """Size and time."""
        return state_of(self.place / name)

    def open(self, name: str) -> IO[bytes]:
        """The file."""
        return open_regular(self.place / name)


@dataclass(frozen=True)
class LooseFiles:
    """Files below a folder that something else lists, so that nobody looks through it."""

    place: Path
    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    loose: ClassVar[bool] = True

    def state(self, name: str) -> str:
        """Size and time."""
        return state_of(self.place / name)

    def open(self, name: str) -> IO[bytes]:
        """The file."""
        return open_regular(self.place / name)


@dataclass(frozen=True)
class FileSource:
    """The pictures among files."""

    files: Files

    @property
    def identity(self) -> str:
        """Where the files lie."""
        return os.fspath(self.files.place.resolve())

    def state(self, name: str) -> str:
        """That of the file."""
        return self.files.state(name)

    def raster(self, name: str, *, at_least: int | None) -> Raster:
        """The decoded file."""
        with _readable(), self.files.open(name) as file:
            return reader.read(file, name, at_least=at_least)

    def content(self, name: str) -> bytes:
        """The file as it is.

        Raises:
            UnreadablePicture: and why.
        """
        with _readable(), self.files.open(name) as file:
            return file.read()

    def size(self, name: str) -> tuple[int, int] | None:
        """From the header alone."""
        try:
            with _readable(), self.files.open(name) as file:
                return reader.size_of(file, name)
        except UnreadablePicture:
            return None


def is_loose(files: Files) -> bool:
    """Whether each lies below the place as a file of its own, so that it is found there without them; they say so."""
    return getattr(files, "loose", False)


def state_of(path: Path) -> str:
    """Size and time of a file, or why they are not known."""
    try:
        seen = os.stat(path)
    except OSError as error:
        return str(error.errno)
    return f"{seen.st_size} {seen.st_mtime_ns}"


def open_regular(path: Path) -> IO[bytes]:
    """The file, if it is one: a pipe with the name of a picture would block for ever."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise UnreadablePicture("not a regular file")
    return path.open("rb")


def hidden(name: str) -> bool:
    """Whether a file or folder is left out without a word."""
    return name.startswith((".", "__MACOSX"))


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreadablePicture((error.strerror or str(error)).lower()) from error


def _walk(root: Path, below: str, above: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    """Whether it is a folder, and its path below the root; a link back to a folder above is not followed."""
    folder = root / below if below else root
    real = os.path.realpath(folder)
    if real in above:
        return
    for entry in _entries(folder):
        name = f"{below}/{entry.name}" if below else entry.name
        if _is_folder(entry):
            yield True, name
            yield from _walk(root, name, (*above, real))
        else:
            yield False, name


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not hidden(entry.name)]
    except OSError as error:
        raise DataError(
            f"cannot list the folder {folder}: {error.strerror}", hint=f"chmod u+rx {shlex.quote(str(folder))}"
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
