"""The folder that holds the files of a layout: the one that was given, or the only one below it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.pixels.reader import is_picture

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

DEEPEST = 2


def folder_with(place: Place, fits: Callable[[str], bool], what: str, options: Pictures) -> Path | None:
    """The folder, at most two below the place, that holds a file whose name fits; ``None`` where there is none.

    Pictures in the same tree come first, since features and statistics are kept beside them in such files too; what is
    not read then is told.

    Args:
        place: where to look; an archive or a single file has no such folder.
        fits: the base name of a file → whether it is one of the layout.
        what: what the files are, for messages.
        options: a layout that was asked for takes its files even beside pictures.

    Raises:
        DataError: several folders hold such files.
    """
    if place.files is None or not place.path.is_dir():
        return None
    files = [path for path in map(PurePosixPath, place.files.names) if fits(path.name)]
    found = {str(path.parent) for path in files}
    if files and options.layout == "auto" and any(is_picture(name) for name in place.files.names):
        logger.warning(
            "%s holds pictures, and they are read; %s are not read (--data FILE reads one): %s",
            place.path,
            what,
            ", ".join(str(file) for file in files[:5]) + (" and others" if files[5:] else ""),
        )
        return None
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
