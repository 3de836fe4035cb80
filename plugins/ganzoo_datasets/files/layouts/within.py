"""The folder that holds the files of a layout: the one that was given, or the only one below it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ganzoo.errors import DataError
from ganzoo_datasets.files.layouts.layout import Place

logger = logging.getLogger("ganzoo")

DEEPEST = 2


def folder_with(place: Place, fits: Callable[[str], bool], what: str) -> Path | None:
    """The folder, at most two below the place, that holds a file whose name fits; ``None`` where there is none.

    Args:
        place: where to look; an archive or a single file has no such folder.
        fits: the base name of a file → whether it is one of the layout.
        what: what the files are, for messages.

    Raises:
        DataError: several folders hold such files.
    """
    if place.files is None or not place.path.is_dir():
        return None
    found = {str(path.parent) for path in map(PurePosixPath, place.files.names) if fits(path.name)}
    if not found or "." in found:
        return place.path if found else None
    near = sorted(folder for folder in found if folder.count("/") < DEEPEST)
    if len(near) > 1:
        raise DataError(
            f"{place.path} holds several folders with {what}",
            given=", ".join(near[:20]),
            allowed="one of them",
            hint="ganzoo run --data FOLDER",
        )
    if not near:
        return None
    logger.info("reading %s in %s", what, place.path / near[0])
    return place.path / near[0]
