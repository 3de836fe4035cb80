"""Tables as text: cells separated by commas, semicolons or tabs, in UTF-8."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ganzoo.errors import DataError
from ganzoo_datasets.files.tables.table import Table, even

logger = logging.getLogger("ganzoo")

ENDINGS = (".csv", ".tsv", ".tab")
DELIMITERS = ",;\t"
PEEKED = 2**16
LINES_PEEKED = 20


def read_delimited(path: Path, file: IO[bytes]) -> Table:
    """The whole table.

    Raises:
        DataError: it is not UTF-8 or not such a table, has no rows, or lines do not match the header.
        OSError: the file cannot be read.
    """
    try:
        lines = list(_lines(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error
    if any("\0" in cell for _, cells in lines for cell in cells):
        raise DataError(f"{path} is not UTF-8 text", hint="save it as CSV UTF-8")
    if len(lines) < 2:
        raise DataError(
            f"{path} lists no pictures",
            given=f"{len(lines)} lines",
            allowed="a header, such as image,label,group, and one line per picture",
            hint="add the missing lines",
        )
    (_, header), *body = lines
    return even(path, header, body)


def peek_delimited(path: Path, file: IO[bytes], *, tell: bool = True) -> Table | None:
    """Its header and first lines, or ``None`` where there is no such table; ``tell`` warns of one that is not UTF-8."""
    start = file.read(PEEKED)
    whole = start if len(start) < PEEKED else start[: start.rfind(b"\n") + 1]
    try:
        lines = [line for line, _ in zip(_lines(io.BytesIO(whole)), range(LINES_PEEKED), strict=False)]
    except (UnicodeDecodeError, csv.Error) as error:
        if tell and path.name.lower().endswith(ENDINGS):
            logger.warning("%s; it is not read as a table of pictures", _unreadable(path, error).args[0])
        return None
    if len(lines) < 2:
        return None
    (_, header), *body = lines
    return Table(path, header, tuple(line for line in body if len(line[1]) == len(header)))


def _lines(file: IO[bytes]) -> Iterator[tuple[int, tuple[str, ...]]]:
    # Excel begins UTF-8 with a byte order mark.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        delimiter = _delimiter(text.readline())
        text.seek(0)
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        for cells in reader:
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped):
                yield reader.line_num, stripped
    finally:
        text.detach()


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, UnicodeDecodeError):
        return DataError(f"{path} is not UTF-8 text", hint="save it as CSV UTF-8")
    return DataError(
        f"cannot read {path}: {error}",
        given=path,
        allowed="a table with a header, separated by commas, semicolons or tabs",
        hint='look for a quotation mark (") without a partner, or save it anew as CSV UTF-8',
    )
