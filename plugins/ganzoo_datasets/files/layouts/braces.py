"""``shard-{000..009}.tar``: a pattern that names many files."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.listing import listed

MOST = 100_000
"""Files that a pattern may name."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,18})\.\.(\d{1,18})")


def has_braces(path: Path) -> bool:
    """Whether a path is a pattern: ``{000..009}`` or ``{a,b}`` occurs in it."""
    return any(".." in inner or "," in inner for inner in _BRACES.findall(str(path)))


def expanded(pattern: Path) -> list[Path]:
    """The files of a pattern, in order.

    Raises:
        DataError: some are missing, or it names too many.
    """
    pieces = _BRACES.split(str(pattern))
    choices = [list(_choices(piece)) if number % 2 else [piece] for number, piece in enumerate(pieces)]
    names = ["".join(chosen) for chosen in itertools.islice(itertools.product(*choices), MOST + 1)]
    missing = [name for name in names if not os.path.isfile(name)]
    if missing or len(names) > MOST:
        raise DataError(
            f"{pattern} names files that do not exist{listed(missing, len(missing))}"
            if missing
            else f"{pattern} names more than {MOST:,} files",
            given=str(pattern),
            allowed="a pattern of files that all exist, such as shard-{000..009}.tar",
            hint="correct the numbers in braces",
        )
    return [Path(name) for name in names]


def _choices(inner: str) -> Iterator[str]:
    found = _RANGE.fullmatch(inner)
    if found is None:
        yield from inner.split(",")
        return
    first, last = found.groups()
    for number in itertools.islice(range(int(first), int(last) + 1), MOST + 1):
        yield str(number).zfill(len(first))
