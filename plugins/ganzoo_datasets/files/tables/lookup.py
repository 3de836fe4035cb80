"""From the rows of a table to files, or an error that names lines."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.tables.names import Names, shared_folders, split_of_folder
from ganzoo_datasets.files.tables.table import Row

logger = logging.getLogger("ganzoo")


def find_files(
    path: Path,
    names: Names,
    root: Path,
    rows: Sequence[Row],
    splits: Sequence[str | None],
    *,
    skip_missing: bool,
) -> list[str]:
    """The file of each row, as a path below ``root``; of several the one in the folder of the row's split.

    Raises:
        DataError: files are missing (unless they are to be skipped) or listed twice, or names match several files.
    """
    found = [_of_split(fit, split) for fit, split in zip(matches(path, names, rows), splits, strict=True)]
    several = [f"{row.shown}: {', '.join(fit)}" for row, fit in zip(rows, found, strict=True) if fit[1:]]
    if several:
        raise DataError(
            f"{path}: some names match several files{listed(several, len(several))}",
            hint="write these names with their folder and ending, or say which folder is meant with "
            "--set data.root=FOLDER",
        )
    missing = [row.shown for row, fit in zip(rows, found, strict=True) if not fit]
    if missing and (not skip_missing or len(missing) == len(rows)):
        raise DataError(
            f"{path}: {len(missing):,} of {len(rows):,} images are missing{listed(missing, len(missing))}",
            given=f"paths below {root}",
            hint="--set data.root=FOLDER"
            + (", or leave them out with --set data.on_error=skip" if len(missing) < len(rows) else ""),
        )
    chosen = [fit[0] if fit else row.image for row, fit in zip(rows, found, strict=True)]
    _check_once(path, root, rows, chosen)
    return chosen


def _of_split(fit: list[str], split: str | None) -> list[str]:
    if len(fit) < 2 or split is None:
        return fit
    return [name for name in fit if split_of_folder(os.path.dirname(name)) == split] or fit


def matches(path: Path, names: Names, rows: Sequence[Row]) -> list[list[str]]:
    """All files that each row may mean.

    A table from another computer names folders that are not here: those that all its names begin with are left away
    as far as that finds more files. Others are never left away, for 1.png in one folder is not 1.png in another.
    """
    best = [names.find(row.image) for row in rows]
    if all(best):
        return best
    parts = [names.parts(row.image) for row in rows]
    for leave in range(1, shared_folders(parts) + 1):
        found = [names.find(row.image, leave) for row in rows]
        if sum(map(bool, found)) > sum(map(bool, best)):
            logger.info("%s: the folder %s is not here and is left away", path, "/".join(parts[0][:leave]))
            best = found
        if all(best):
            break
    return best


def _check_once(path: Path, root: Path, rows: Sequence[Row], names: Sequence[str]) -> None:
    first: dict[str, int] = {}
    twice, start = [], os.fspath(root)
    for row, name in zip(rows, names, strict=True):
        place = os.path.normpath(os.path.join(start, name))
        if place in first:
            twice.append(f"{row.shown}, as in line {first[place]}")
        first.setdefault(place, row.line)
    if twice:
        raise DataError(f"{path}: some images are listed twice{listed(twice, len(twice))}", hint="remove these lines")
