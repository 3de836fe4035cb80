"""Which reader takes a file: by what it holds, since names lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Protocol

from ganzoo_datasets.files.pixels import dicom, heif, pillow
from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture

WEB_SUFFIXES = (".apng", ".avif", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".webp")
OTHER_SUFFIXES = (".bmp", ".dib", ".heic", ".heif", ".jp2", ".pbm", ".pgm", ".pnm", ".ppm", ".tga", ".tif", ".tiff")
DICOM_SUFFIXES = (".dcm", ".dicom")
DICOM_INDEX = "DICOMDIR"
"""The table of contents of a disc is DICOM, too."""

SUFFIXES = frozenset((*WEB_SUFFIXES, *OTHER_SUFFIXES, *DICOM_SUFFIXES))
"""Endings of pictures that are read, in lower case."""

INSTALLS = (dicom.INSTALL, dicom.INSTALL_JPEG, heif.INSTALL)
"""What the reasons of unreadable pictures may recommend."""

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
START_BYTES = 132


def is_picture(name: str) -> bool:
    """By its name alone: a broken file or link counts, and is named when it cannot be decoded."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def holds_picture(name: str, open_file: Callable[[str], IO[bytes]]) -> bool:
    """By its name, or for a name without an ending of letters, as archives of hospitals have them, by its content."""
    ending = os.path.splitext(name)[1].lower()
    if ending in SUFFIXES or any(letter.isalpha() for letter in ending):
        return ending in SUFFIXES
    if os.path.basename(name).upper() == DICOM_INDEX:
        return False
    try:
        with open_file(name) as file:
            return dicom.is_dicom(file.read(START_BYTES))
    except (OSError, UnreadablePicture):
        return False


def read(file: IO[bytes], name: str, *, at_least: int | None) -> Raster:
    """Decode a file.

    Raises:
        UnreadablePicture: and why.
    """
    return _reader(file, name).read(file, at_least=at_least)


def size_of(file: IO[bytes], name: str) -> tuple[int, int] | None:
    """Width and height from the header alone; ``None`` when even that cannot be read."""
    try:
        return _reader(file, name).size_of(file)
    except UnreadablePicture:
        return None


class _Reader(Protocol):
    def read(self, file: IO[bytes], /, *, at_least: int | None) -> Raster: ...

    def size_of(self, file: IO[bytes], /) -> tuple[int, int]: ...


def _reader(file: IO[bytes], name: str) -> _Reader:
    file.seek(0)
    start = file.read(START_BYTES)
    if _is_dicom(start, name):
        return dicom
    if start[:4] in TIFF_STARTS:
        # tifffile takes a tenth of a second to import.
        from ganzoo_datasets.files.pixels import tiff

        return tiff
    return heif if heif.is_heif(start) else pillow


def _is_dicom(start: bytes, name: str) -> bool:
    """The preamble may hold anything, even the start of a TIFF. Old files have none, so there the name counts."""
    return dicom.is_dicom(start) or (bool(start) and name.lower().endswith(DICOM_SUFFIXES))
