"""Pictures that are encoded bytes in rows or entries of a file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ganzoo_datasets.files.pixels import reader
from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture
from ganzoo_datasets.files.sources.files import state_of


@dataclass(frozen=True)
class EncodedFile:
    """A file that holds encoded pictures.

    Attributes:
        path: the file.
        content: what it calls a picture → its bytes.
        quick: whether a picture is read without going through those before it.
        linked: what it calls a picture → the file it names instead of holding the bytes.
    """

    path: Path
    content: Callable[[str], bytes]
    quick: Callable[[str], bool] = lambda name: True
    linked: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class EncodedSource:
    """The pictures of some files, called ``FILE[NAME]``.

    Args:
        place: the file or folder that was given.
        files: name of each file → the file.
        in_order: whether they are quick to read only one after another.
        ending: what a picture would end with as a file of its own; the reader of photographs takes all of them.
    """

    place: Path
    files: Mapping[str, EncodedFile]
    in_order: bool = False
    ending: str = ".jpg"

    @property
    def identity(self) -> str:
        """Where the files lie."""
        return os.fspath(self.place.resolve())

    def state(self, name: str) -> str:
        """Size and time of the file that holds it, and of the one that it names."""
        file, inner = self._find(name)
        state = self._states[name.partition("[")[0]]
        return f"{state} {state_of(file.linked[inner])}" if inner in file.linked else state

    def raster(self, name: str, *, at_least: int | None) -> Raster:
        """The decoded picture."""
        file, inner = self._find(name)
        return reader.read(io.BytesIO(file.content(inner)), f"{name}{self.ending}", at_least=at_least)

    def size(self, name: str) -> tuple[int, int] | None:
        """From the header of the picture, where it can be reached quickly."""
        file, inner = self._find(name)
        if not file.quick(inner):
            return None
        try:
            return reader.size_of(io.BytesIO(file.content(inner)), f"{name}{self.ending}")
        except UnreadablePicture:
            return None

    def _find(self, name: str) -> tuple[EncodedFile, str]:
        file, _, inner = name.partition("[")
        return self.files[file], inner.removesuffix("]")

    @cached_property
    def _states(self) -> dict[str, str]:
        return {name: state_of(file.path) for name, file in self.files.items()}
