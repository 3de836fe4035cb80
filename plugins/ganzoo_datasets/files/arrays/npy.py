"""NumPy's files: the arrays of a ``.npz``, and ``.npy`` files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.stored import DEFLATE, Header, sliced, streamed
from ganzoo_datasets.files.sources.archive import SUSPECT
from ganzoo_datasets.files.sources.gzip_index import BOMB_RATIO

NPY = ".npy"


@dataclass(frozen=True)
class NpzFile:
    """A ``.npz`` file, read array by array. Nothing in it is ever unpickled."""

    path: Path

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays, sorted."""
        with _reading(self.path), zipfile.ZipFile(self.path) as archive:
            return tuple(sorted(name.removesuffix(NPY) for name in archive.namelist() if name.endswith(NPY)))

    def file(self, name: str) -> Path:
        """The one file."""
        return self.path

    def header(self, name: str) -> Header:
        """Shape and type; the archive must hold as many bytes as they take."""
        with self._opened(name) as (file, packed):
            header, _ = _header(file)
            stated = file.tell() + header.bytes
        if packed.file_size != stated:
            raise _broken(
                self.path, name, f"{packed.file_size:,} bytes instead of the {stated:,} that its header states"
            )
        if packed.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _broken(self.path, name, "it is compressed by a method that NumPy does not write")
        if stated > DEFLATE * max(packed.compress_size, 1):
            raise _broken(self.path, name, f"{packed.compress_size:,} bytes cannot unpack to the {stated:,} it states")
        if stated > SUSPECT and stated > BOMB_RATIO * packed.compress_size:
            raise _broken(
                self.path,
                name,
                f"{packed.compress_size:,} bytes unpack to {stated:,}, as in a decompression bomb; if that is meant, "
                "save it with np.savez, which does not compress",
            )
        return header

    def blocks(self, name: str, start: int) -> Iterator[NDArray[Any]]:
        """The rows, as they are unpacked."""
        with self._opened(name) as (file, _):
            header, by_column = _header(file)
            if by_column:
                # Stored by column, a picture lies scattered over the whole array.
                flat = np.frombuffer(file.read(), dtype=header.kind)
                yield from sliced(flat.reshape(header.shape, order="F"), start)
            else:
                yield from streamed(file, header, start)

    def whole(self, name: str) -> NDArray[Any]:
        """All values."""
        with self._opened(name) as (file, _):
            return npy.read_array(file, allow_pickle=False)

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[IO[bytes], zipfile.ZipInfo]]:
        with _reading(self.path, name), zipfile.ZipFile(self.path) as archive, archive.open(f"{name}{NPY}") as file:
            yield file, archive.getinfo(f"{name}{NPY}")


@dataclass(frozen=True)
class NpyFiles:
    """One or several ``.npy`` files; an array is called what its file is called."""

    path: Path
    files: Mapping[str, Path]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files without their ending."""
        return tuple(self.files)

    def file(self, name: str) -> Path:
        """The file of an array."""
        return self.files[name]

    def header(self, name: str) -> Header:
        """Shape and type; the file must hold as many bytes as they take."""
        path = self.files[name]
        with _reading(path), path.open("rb") as file:
            header, _ = _header(file)
            stated, present = file.tell() + header.bytes, path.stat().st_size
        if present != stated:
            raise _broken(path, "", f"{present:,} bytes instead of the {stated:,} that its header states")
        return header

    def blocks(self, name: str, start: int) -> Iterator[NDArray[Any]]:
        """The rows, mapped."""
        path = self.files[name]
        with _reading(path):
            yield from sliced(np.load(path, mmap_mode="r", allow_pickle=False), start)

    def whole(self, name: str) -> NDArray[Any]:
        """All values."""
        path = self.files[name]
        with _reading(path):
            return cast("NDArray[Any]", np.load(path, allow_pickle=False))


def npy_files(path: Path, files: Sequence[Path]) -> NpyFiles:
    """The arrays of some ``.npy`` files."""
    return NpyFiles(path, {file.stem: file for file in sorted(files)})


def _header(file: IO[bytes]) -> tuple[Header, bool]:
    """Shape and type, and whether it is stored by column."""
    read = npy.read_array_header_1_0 if npy.read_magic(file) == (1, 0) else npy.read_array_header_2_0
    shape, by_column, kind = read(file)
    if kind.hasobject:
        raise ValueError("it holds Python objects, which are never unpickled")
    return Header(shape, kind), by_column


@contextmanager
def _reading(path: Path, name: str = "") -> Iterator[None]:
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Exception as error:  # NumPy reads a header as Python: a broken one raises whatever its parser does
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).partition("\n")[0]
        raise _broken(path, name, reason) from error


def _broken(path: Path, name: str, reason: str) -> DataError:
    return DataError(
        f"cannot read {name} of {path}: {reason}" if name else f"cannot read {path}: {reason}",
        given=path,
        allowed="arrays of numbers, as numpy.savez and numpy.save write them, and no Python objects",
        hint="download it again, or save it again with numpy",
    )
