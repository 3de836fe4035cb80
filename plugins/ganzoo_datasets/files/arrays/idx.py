"""The IDX format: a few bytes of header, then the numbers of one array, perhaps compressed by gzip."""

from __future__ import annotations

import gzip
import math
import shlex
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import DataError
from ganzoo_datasets.files.arrays.stored import DEFLATE, CutShort, Header, streamed

BYTES = 0x08
TYPES = {BYTES: "bytes", 0x09: "signed bytes", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}


def idx_shape(path: Path, *, dimensions: int) -> tuple[int, ...]:
    """The shape an IDX file states, after a look at its header and, if it is not compressed, its length.

    Raises:
        DataError: it cannot be read, or is not an array of bytes with this many dimensions.
    """
    with reading(path), _opened(path) as file:
        shape = _header(path, file, dimensions)
        if path.suffix != ".gz":
            stated, present = 4 + 4 * dimensions + math.prod(shape), path.stat().st_size
            if present != stated:
                raise _broken(path, f"{present:,} bytes", f"the {stated:,} bytes its header states, {shape}")
        return shape


def idx_rows(path: Path, start: int = 0, *, dimensions: int) -> Iterator[NDArray[np.uint8]]:
    """The array along its first axis, from a row on, one block at a time.

    Raises:
        DataError: as in :func:`idx_shape`, or the file ends early, continues after the last item or is corrupt.
    """
    with reading(path), _opened(path) as file:
        shape = _header(path, file, dimensions)
        try:
            yield from streamed(file, Header(shape, np.dtype(np.uint8)), start)
        except CutShort as error:
            raise _broken(path, str(error), f"as many items as its header states, {shape}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong in a file, or in its compression, into a :class:`DataError` that names it."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"cannot read {path}: {reason}", hint="download it again, or check its permissions") from error


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _header(path: Path, file: IO[bytes], dimensions: int) -> tuple[int, ...]:
    magic = file.read(4)
    if magic[:2] == b"\x1f\x8b":
        raise _broken(
            path,
            "data compressed by gzip",
            "a name that ends in .gz",
            hint=f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.gz')}",
        )
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise _broken(path, f"the first bytes {magic.hex(' ') or '(none)'}", "00 00 08 and the number of dimensions")
    kind, present = magic[2], magic[3]
    if kind != BYTES or present != dimensions:
        raise _broken(
            path, f"an array of {TYPES[kind]} with {present} dimensions", f"one of bytes with {dimensions} dimensions"
        )
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _broken(path, f"a header of {4 + len(sizes)} bytes", f"{4 + 4 * dimensions} bytes")
    shape = tuple(int(size) for size in np.frombuffer(sizes, dtype=">u4"))
    if path.suffix == ".gz" and math.prod(shape) > DEFLATE * path.stat().st_size:
        raise _broken(path, f"{path.stat().st_size:,} bytes", f"enough for the shape it states, {shape}")
    if 0 in shape:
        raise _broken(path, f"the shape {shape}", "at least one item")
    return shape


def _broken(path: Path, given: str, allowed: str, *, hint: str = "download it again") -> DataError:
    return DataError(f"{path} is not the kind of IDX file that its name says", given=given, allowed=allowed, hint=hint)
