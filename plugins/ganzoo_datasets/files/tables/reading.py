"""Which reader takes a table, by the ending of its name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from ganzoo.errors import DataError
from ganzoo_datasets.files.tables import delimited, json_lines
from ganzoo_datasets.files.tables.table import Table

ENDINGS = (*delimited.ENDINGS, *json_lines.ENDINGS)


def has_ending(name: str) -> bool:
    """Whether a name ends like a table."""
    return name.lower().endswith(ENDINGS)


def has_hint(name: str) -> bool:
    """Whether a file without an ending may be a table: HAM10000's is published as ``HAM10000_metadata``."""
    base = os.path.basename(name).lower()
    return "." not in base and "metadata" in base


def read_table(path: Path, file: IO[bytes]) -> Table:
    """The whole table.

    Raises:
        DataError: it is not such a table, has no rows, or lines do not match the header.
        OSError: the file cannot be read.
    """
    if path.name.lower().endswith(json_lines.ENDINGS):
        return json_lines.read_json_lines(path, file)
    return delimited.read_delimited(path, file)


def peek(path: Path, file: IO[bytes], *, tell: bool = True) -> Table | None:
    """The header and the first lines, or ``None`` where there is none; ``tell`` warns of one that is not UTF-8.

    Raises:
        OSError: the file cannot be read.
        DataError: it is called ``metadata.jsonl``, and its first lines are not JSON.
    """
    if not path.name.lower().endswith(json_lines.ENDINGS):
        return delimited.peek_delimited(path, file, tell=tell)
    try:
        return json_lines.read_json_lines(path, file, most=delimited.LINES_PEEKED)
    except DataError:
        if path.name.lower() == "metadata.jsonl":
            # Whoever calls a file so wants it read; without it the pictures would have no classes.
            raise
        return None
