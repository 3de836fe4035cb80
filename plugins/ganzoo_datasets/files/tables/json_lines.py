"""Tables as JSON lines: one object per line, its keys are the columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from ganzoo.errors import DataError
from ganzoo_datasets.files.tables.table import Table

ENDINGS = (".jsonl", ".ndjson")


def read_json_lines(path: Path, file: IO[bytes], most: int | None = None) -> Table:
    """The table; lists become ``a|b``, other nested values stay JSON.

    Args:
        path: the file, for messages.
        file: its content.
        most: how many lines are read; ``None`` for all.

    Raises:
        DataError: a line is not a JSON object in UTF-8, or there is none.
        OSError: the file cannot be read.
    """
    objects: list[tuple[int, dict[str, object]]] = []
    for number, line in enumerate(file, 1):
        if line.strip():
            objects.append((number, _object(path, number, line)))
        if most is not None and len(objects) >= most:
            break
    if not objects:
        raise DataError(f"{path} lists no pictures", given="no lines", hint="add one JSON object per picture")
    header = tuple(dict.fromkeys(key for _, found in objects for key in found))
    lines = tuple((number, tuple(_text(found.get(key)) for key in header)) for number, found in objects)
    return Table(path, header, lines)


def _object(path: Path, number: int, line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # a text that is not UTF-8 is a ValueError, too
        found = error
    if not isinstance(found, dict):
        raise DataError(
            f"{path}: line {number} is not a JSON object",
            given=line[:80].decode("utf-8", "backslashreplace").strip(),
            allowed='one object per line, such as {"file_name": "1.png", "label": "cat"}, in UTF-8',
            hint="write one JSON object per line",
        )
    return found


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case list() if all(isinstance(part, str | int) for part in value):
            return "|".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)
