"""MATLAB's files of versions 5 to 7, as SciPy reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.hdf5 import is_matlab
from ganzoo_datasets.files.arrays.stored import DEFLATE, Header, sliced
from ganzoo_datasets.files.optional import reader_of

KINDS = {"double": "float64", "single": "float32", "logical": "bool"}
"""MATLAB's names of types → NumPy's, where they differ."""


@dataclass(frozen=True)
class MatFile:
    """The variables of a file. An array is read as a whole, and kept only while its rows are gone through.

    Attributes:
        path: the file.
        last: the arrays whose last axis counts the rows; they are turned so that it is the first.
    """

    path: Path
    last: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables, sorted."""
        return tuple(sorted(self.headers))

    @cached_property
    def headers(self) -> dict[str, Header]:
        """Shape and type of each variable of numbers; others have the type of objects."""
        with _reading(self.path):
            found = reader_of(self.path, "scipy.io", "mat").whosmat(self.path)
        headers = {name: Header(tuple(shape), _kind(kind)) for name, shape, kind in found}
        stated = sum(header.bytes for header in headers.values() if header.kind.kind != "O")
        if stated > DEFLATE * self.path.stat().st_size:
            raise _broken(self.path, f"{self.path.stat().st_size:,} bytes cannot unpack to the {stated:,} it states")
        return headers

    def file(self, name: str) -> Path:
        """The one file."""
        return self.path

    def header(self, name: str) -> Header:
        """Shape and type."""
        found = self.headers[name]
        return Header((found.shape[-1], *found.shape[:-1]), found.kind) if name in self.last else found

    def blocks(self, name: str, start: int) -> Iterator[NDArray[Any]]:
        """The rows."""
        yield from sliced(self.whole(name), start)

    def whole(self, name: str) -> NDArray[Any]:
        """All values."""
        with _reading(self.path):
            values: NDArray[Any] = reader_of(self.path, "scipy.io", "mat").loadmat(self.path, variable_names=[name])[
                name
            ]
        header = self.headers[name]
        if values.dtype != header.kind and header.kind.kind == "b":
            values = values.astype(bool)
        return np.moveaxis(values, -1, 0) if name in self.last else values


def texts(path: Path, name: str) -> tuple[str, ...]:
    """A cell array of texts, such as the names of classes; empty where there is none."""
    values = MatFile(path)
    if name not in values.names:
        return ()
    return tuple(str(np.asarray(cell).reshape(-1)[0]) for cell in values.whole(name).reshape(-1))


def _kind(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(KINDS.get(name, name))
    except TypeError:
        return np.dtype(object)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        if is_matlab(path):
            raise DataError(
                f"{path} is a file of MATLAB 7.3, whose arrays have their axes in reverse",
                given=path,
                allowed="files of MATLAB 5 to 7",
                hint="save it in MATLAB with save(FILE, NAMES, '-v7'), or as PNG files",
            )
        yield
    except DataError:
        raise
    except Exception as error:
        # SciPy's reader raises many kinds of errors on broken files.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        raise _broken(path, reason) from error


def _broken(path: Path, reason: str) -> DataError:
    return DataError(
        f"cannot read {path}: {reason}",
        given=path,
        allowed="a file of MATLAB 5 to 7, with arrays of numbers",
        hint="download it again, or check its permissions",
    )
