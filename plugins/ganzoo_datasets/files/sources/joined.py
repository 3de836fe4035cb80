"""Several archives as one tree: each is a folder named like its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from ganzoo_datasets.files.sources.archive import ArchiveFiles


class JoinedFiles:
    """The files of several archives.

    Args:
        place: what they are below, or the pattern that names them.
        archives: the files.
        below: a folder above all of them; their paths below it are the folders of the tree.

    Raises:
        DataError: one of them cannot be read.
    """

    def __init__(self, place: Path, archives: Sequence[Path], *, below: Path) -> None:
        self.place: Path = place
        self.archives: Mapping[str, ArchiveFiles] = {
            path.relative_to(below).as_posix(): ArchiveFiles(path) for path in archives
        }
        self._home = {
            f"{name}/{inner}": (files, inner) for name, files in self.archives.items() for inner in files.names
        }
        self.names: tuple[str, ...] = tuple(sorted(self._home))
        inside = {f"{name}/{folder}" for name, files in self.archives.items() for folder in files.folders}
        self.folders: tuple[str, ...] = tuple(sorted(inside | set(self.archives)))

    def state(self, name: str) -> str:
        """That of the member."""
        files, inner = self._home[name]
        return files.state(inner)

    def open(self, name: str) -> IO[bytes]:
        """The member, in memory."""
        files, inner = self._home[name]
        return files.open(inner)
