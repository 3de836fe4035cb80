"""Pictures of formats that are not read: who has some rarely wants to train without them."""

from __future__ import annotations

import logging
import os
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.pixels.reader import SUFFIXES, is_picture

logger = logging.getLogger("ganzoo")

RAW = "a raw converter, such as darktable or dcraw, writes TIFF"
VECTOR = "Inkscape writes PNG"
LAYERS = "GIMP writes PNG"
LIGHT = "a tone mapper, such as Luminance HDR, writes PNG"
FILM = "ffmpeg writes frames as PNG"

CONVERTERS = {
    ".jxl": "djxl writes PNG",
    **dict.fromkeys((".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".nef", ".nrw", ".orf", ".raf", ".rw2"), RAW),
    **dict.fromkeys((".ai", ".eps", ".svg", ".svgz"), VECTOR),
    **dict.fromkeys((".kra", ".psb", ".psd", ".xcf"), LAYERS),
    **dict.fromkeys((".exr", ".hdr"), LIGHT),
    **dict.fromkeys((".avi", ".mkv", ".mov", ".mp4", ".webm"), FILM),
    **dict.fromkeys((".czi", ".lif", ".ndpi", ".svs"), "Bio-Formats or QuPath write TIFF"),
    ".ico": "ImageMagick writes PNG",
    ".jxr": "ImageMagick writes PNG",
    ".pcx": "ImageMagick writes PNG",
}
"""Ending → what reads or converts it."""


def is_unread(name: str) -> bool:
    """Whether a file is a picture, by its ending, that is not read."""
    return not is_picture(name) and _ending(name) in CONVERTERS


def report_unread(place: Path, names: Sequence[str], pictures: int) -> None:
    """Warn of pictures that are left out, with what reads them.

    Args:
        place: the folder or archive.
        names: the pictures that are left out.
        pictures: how many are read.

    Raises:
        DataError: they are the majority.
    """
    if not names:
        return
    counts = Counter(map(_ending, names)).most_common()
    lines = "".join(f"\n  {ending}: {count:,} ({CONVERTERS[ending]})" for ending, count in counts)
    said = f"{place}: {len(names):,} of {len(names) + pictures:,} pictures have an ending that is not read{lines}"
    if len(names) > pictures:
        patterns = ",".join(f"*{ending}" for ending in sorted({os.path.splitext(name)[1] for name in names}))
        leave_out = f"--set data.exclude={shlex.quote(patterns)}"
        raise DataError(
            said,
            allowed=" ".join(sorted(SUFFIXES)),
            hint="convert them" + (f", or leave them out with {leave_out}" if pictures else ""),
        )
    logger.warning("%s", said)


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()
