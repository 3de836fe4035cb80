"""Parquet files whose rows hold encoded pictures, as Hugging Face's ``datasets`` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from ganzoo.errors import DataError
from ganzoo_datasets.files.optional import reader_of
from ganzoo_datasets.files.pixels.raster import UnreadablePicture

ROWS_AT_ONCE = 32
"""So many rows are unpacked at once; a picture has some hundred kilobytes."""

BUFFER = 2**20
"""Bytes of a column that are in memory at once; without it, all of a row group are, often a gigabyte."""


@dataclass(frozen=True)
class Column:
    """A column, as far as it matters here.

    Attributes:
        name: of the column.
        kind: ``picture``, ``number``, ``text`` or ``other``.
        classes: names of the classes that its numbers stand for.
    """

    name: str
    kind: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParquetFile:
    """One file. It is open only while something is read from it, or while its rows are gone through."""

    path: Path
    _at: _RowReading = field(default_factory=lambda: _RowReading(), init=False, repr=False, compare=False)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """What its schema states."""
        with _opened(self.path) as file:
            schema = file.schema_arrow
            features = _features(schema.metadata or {})
            return {each.name: _column(each, features.get(each.name, {})) for each in schema}

    @cached_property
    def rows(self) -> int:
        """How many rows it has."""
        with _opened(self.path) as file:
            return int(file.metadata.num_rows)

    def values(self, name: str) -> list[object]:
        """All values of a column of numbers or texts."""
        with _opened(self.path) as file:
            found: list[object] = file.read(columns=[name]).column(name).to_pylist()
            return found

    def links(self, column: str) -> dict[int, str]:
        """Row → the path of its picture; empty where the file holds the bytes of all, which its statistics tell."""
        with _opened(self.path) as file:
            found = [_nulls(file.metadata.row_group(group), f"{column}.bytes") for group in range(file.num_row_groups)]
            if not any(found):
                return {}
            paths = file.read(columns=[f"{column}.path"]).column(column).to_pylist()
            return {row: value["path"] for row, value in enumerate(paths) if value and value["path"]}

    def content(self, column: str, row: int) -> bytes:
        """The encoded picture in a row: its own bytes, or those of the file below this folder that it names.

        Raises:
            UnreadablePicture: it has neither.
            DataError: the file is broken.
        """
        value = self._at.row(self, column, row)
        content, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
        if content is not None:
            return bytes(content)
        if path is None:
            raise UnreadablePicture("neither bytes nor a path")
        return _linked(self.path.parent, str(path))


@dataclass
class _RowReading:
    """Where the reading stands; rows are unpacked from front to back."""

    lock: Lock = field(default_factory=Lock)
    column: str = ""
    start: int = 0
    block: list[Any] = field(default_factory=list)
    rest: Iterator[list[Any]] = field(default_factory=lambda: iter(()))

    def row(self, file: ParquetFile, column: str, row: int) -> Any:
        with self.lock:
            if column != self.column or row < self.start:
                self.column, self.start, self.block, self.rest = column, 0, [], _blocks(file.path, column)
            while row >= self.start + len(self.block):
                self.start += len(self.block)
                self.block = next(self.rest)
            return self.block[row - self.start]


def _blocks(path: Path, column: str) -> Iterator[list[Any]]:
    with _opened(path) as file:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[column], use_threads=False):
            yield batch.column(0).to_pylist()


def _nulls(group: Any, column: str) -> bool:
    """Whether some values of a column are missing, or may be."""
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.path_in_schema == column:
            return not chunk.is_stats_set or chunk.statistics.null_count != 0
    return False


def _linked(folder: Path, name: str) -> bytes:
    """A picture that lies beside the file; a path that leads elsewhere is somebody else's."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UnreadablePicture(f"no bytes, and its path {name} leads out of {folder}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadablePicture(f"no bytes, and its path {name} cannot be read: {error.strerror}") from error


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    try:
        found = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _column(each: Any, feature: Any) -> Column:
    types = reader_of(Path(each.name), "pyarrow.types", "parquet")
    stated = feature if isinstance(feature, dict) else {}
    names = stated.get("names") if stated.get("_type") == "ClassLabel" else None
    return Column(each.name, _kind(types, each.type, stated), tuple(map(str, names or ())))


def _kind(types: Any, kind: Any, stated: Mapping[str, Any]) -> str:
    if types.is_struct(kind):
        return "picture" if {each.name for each in kind} >= {"bytes", "path"} and _image(stated) else "other"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "picture" if _image(stated) else "other"
    if types.is_integer(kind) or types.is_boolean(kind):
        return "number"
    return "text" if types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind) else "other"


def _image(stated: Mapping[str, Any]) -> bool:
    """Audio has the same type, and says so."""
    return stated.get("_type", "Image") in ("Image", "Value")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    parquet = reader_of(path, "pyarrow.parquet", "parquet")
    arrow = reader_of(path, "pyarrow", "parquet")
    try:
        with parquet.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
            yield file
    except (OSError, arrow.ArrowException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(
            f"cannot read {path}: {reason}",
            given=path,
            allowed="a parquet file",
            hint="download it again, or check its permissions",
        ) from error
