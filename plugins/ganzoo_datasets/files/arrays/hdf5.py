"""HDF5 files: named arrays, or one small array of encoded bytes per picture.

h5py works in one thread at a time, and a file that is open while the process forks must not be used in both halves. So
arrays are opened anew for each block, and a file of many small datasets, where that would take most of the time, has
one lock and one handle per process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.stored import DEFLATE, Header, block_length
from ganzoo_datasets.files.optional import reader_of
from ganzoo_datasets.files.pixels.raster import UnreadablePicture

ENDINGS = (".h5", ".hdf5", ".hdf", ".he5")
CHUNK_LIMIT = 2**26
"""Bytes; rows are read in whole chunks of the file up to this size, since every part of a chunk unpacks all of it."""

SURELY_HELD = 2**24
"""Bytes; so much may be unpacked from anything, such as labels that are all zero."""


@dataclass(frozen=True)
class Hdf5File:
    """The arrays at the top of a file."""

    path: Path

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of what is at the top, sorted."""
        with _opened(self.path) as file:
            return tuple(sorted(file.keys()))

    def file(self, name: str) -> Path:
        """The one file."""
        return self.path

    def header(self, name: str) -> Header:
        """Shape and type."""
        with _opened(self.path) as file:
            found = _dataset(self.path, file, name)
            return Header(found.shape, found.dtype)

    def blocks(self, name: str, start: int) -> Iterator[NDArray[Any]]:
        """The rows, in whole chunks of the file."""
        header, length = self.header(name), 0
        while start < header.shape[0]:
            # Opened anew for each block: nothing is open while others work.
            with _opened(self.path) as file:
                found = _dataset(self.path, file, name)
                length = length or _length(header, found.chunks)
                values: NDArray[Any] = found[start : start + length - start % length]
            start += len(values)
            yield values

    def whole(self, name: str) -> NDArray[Any]:
        """All values."""
        with _opened(self.path) as file:
            values: NDArray[Any] = _dataset(self.path, file, name)[()]
            return values


class Hdf5Files:
    """The arrays of several files as if they were in one; pictures and labels are often kept apart.

    Raises:
        DataError: two files have an array of one name.
    """

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        self.path: Path = folder
        self._of: dict[str, Hdf5File] = {}
        for file in map(Hdf5File, paths):
            for name in file.names:
                if name in self._of:
                    raise _broken(file.path, f"{name} is in {self._of[name].path.name} too, a file of the same split")
                self._of[name] = file

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all arrays, sorted."""
        return tuple(sorted(self._of))

    def file(self, name: str) -> Path:
        """The file of an array."""
        return self._of[name].path

    def header(self, name: str) -> Header:
        """Shape and type."""
        return self._of[name].header(name)

    def blocks(self, name: str, start: int) -> Iterator[NDArray[Any]]:
        """The rows."""
        return self._of[name].blocks(name, start)

    def whole(self, name: str) -> NDArray[Any]:
        """All values."""
        return self._of[name].whole(name)


class EncodedPictures:
    """The pictures of a file that keeps one dataset of encoded bytes for each, as ISIC 2024 does."""

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        with _opened(path) as file:
            self.names: tuple[str, ...] = tuple(sorted(file.keys()))
        self._lock = Lock()
        self._open: tuple[int, Any] | None = None

    def content(self, name: str) -> bytes:
        """The encoded picture.

        Raises:
            UnreadablePicture: it is missing, or something else than bytes.
        """
        with self._lock:
            try:
                return _bytes(self._file(), name)
            except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
                raise UnreadablePicture(f"cannot be read from {self.path.name}: {error}") from error

    def _file(self) -> Any:
        """The open file of this process; that of its parent is left alone."""
        if self._open is None or self._open[0] != os.getpid():
            self._open = os.getpid(), reader_of(self.path, "h5py", "hdf5").File(self.path, "r")
        return self._open[1]


def holds_encoded(path: Path) -> bool:
    """Whether the first thing in the file is the bytes of a picture; looking at all of 400,000 would take minutes."""
    with _opened(path) as file:
        first = next(iter(file), None)
        return first is not None and _is_encoded(file.get(first))


def is_matlab(path: Path) -> bool:
    """Whether MATLAB 7.3 wrote it: HDF5 behind a header of its own, with the axes of all arrays in reverse."""
    with path.open("rb") as file:
        return file.read(19) == b"MATLAB 7.3 MAT-file"


def _bytes(file: Any, name: str) -> bytes:
    if not _inside(file, name):
        raise UnreadablePicture("missing, or a link to another file")
    found = file[name]
    if not _is_encoded(found):
        raise UnreadablePicture("not the bytes of an encoded picture")
    value = found[()]
    # A fixed string loses the zeros at its end, which belong to some formats.
    return value.ljust(found.dtype.itemsize, b"\0") if found.dtype.kind == "S" else np.asarray(value).tobytes()


def _is_encoded(found: Any) -> bool:
    """A scalar of bytes, opaque or as text, or a vector of uint8."""
    shape, kind = getattr(found, "shape", None), getattr(found, "dtype", None)
    if kind is None:
        return False
    return (shape == () and kind.kind in "SVO") or (shape is not None and len(shape) == 1 and kind == np.uint8)


def _inside(file: Any, name: str) -> bool:
    """Whether it lies in this very file: links and external storage may lead anywhere."""
    h5py = reader_of(Path(file.filename), "h5py", "hdf5")
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        return False
    found = file.get(name)
    return not isinstance(found, h5py.Dataset) or not (found.external or found.is_virtual)


def _dataset(path: Path, file: Any, name: str) -> Any:
    if not _inside(file, name):
        raise _broken(path, f"{name} is not in this file, but linked from another one")
    found = file[name]
    if not hasattr(found, "shape") or found.shape is None:
        raise _broken(path, f"{name} is not an array")
    header, stored = Header(found.shape, found.dtype), found.id.get_storage_size()
    # What was never written reads as zeros, without an error.
    if found.dtype.kind not in "OV" and (not stored or header.bytes > max(SURELY_HELD, DEFLATE * stored)):
        raise _broken(path, f"{name} states {header.bytes:,} bytes and holds {stored:,}")
    return found


def _length(header: Header, chunks: tuple[int, ...] | None) -> int:
    length = block_length(header)
    rows = chunks[0] if chunks else 1
    if rows <= length:
        return length - length % rows
    return rows if rows * header.bytes // max(header.shape[0], 1) <= CHUNK_LIMIT else length


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    h5py = reader_of(path, "h5py", "hdf5")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _broken(path, reason) from error


def _broken(path: Path, reason: str) -> DataError:
    return DataError(
        f"cannot read {path}: {reason}",
        given=path,
        allowed="an HDF5 file with arrays of its own",
        hint="download it again, or check its permissions",
    )
