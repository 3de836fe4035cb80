"""Your own pictures: a folder of images."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from ganzoo.component import DatasetOptions
from ganzoo.errors import ConfigError, DataError
from ganzoo_datasets.decoding import typical_size
from ganzoo_datasets.folder_layout import Layout, find_pictures
from ganzoo_datasets.image_array import ImageArray
from ganzoo_datasets.image_cache import CachedPictures, cached_pictures

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset

logger = logging.getLogger("ganzoo")

LISTED = 20
"""So many file names are printed; all are in a file beside the cached pixels."""


class Folder(DatasetOptions):
    """A folder of images of any size and mode: flat, or one sub-folder a class (deeper folders count to it).

    Splits: a folder that holds ``train/``, perhaps ``val/`` and ``test/``, and nothing else has those; otherwise
    everything is ``train``. ``all`` is everything. Class names are the sub-folders of train, sorted; one is none.

    Files: what has the name of an image (.jpg, .png, .webp, .gif, .tif, .bmp, .avif, …, in any case) must decode in
    full. Other files are ignored and counted in a note, hidden ones without. Images beside class folders, class
    folders without an image, and empty folders are errors.

    Pixels: the shorter side is resized to ``image_size`` (Lanczos, antialiased) and the center cut out. Without a
    size: the largest power of two, 32 to 128, that is at most the median shorter side. Without channels: RGB if any
    image has a color mode, else gray. 16-bit gray is divided by 257; of 16-bit color the high byte counts; 32-bit
    pixels are refused; CMYK and palette become RGB; transparency lies over white; EXIF orientation is applied; of
    an animation or a file of several pages the first counts, with a warning; more than 178,956,970 pixels are
    refused as a decompression bomb. Embedded color profiles are not applied.

    Decoded pixels are kept below ``GANZOO_CACHE`` and used again until the path, size or time of a file changes.
    """

    path: str = Field(min_length=1, description="the folder; saved as an absolute path")

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        return str(Path(path).expanduser().absolute())

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Decode one split, or map what an earlier run decoded.

        Raises:
            DataError: no such folder or split, no images, or (``on_error: stop``) images that cannot be read.
            ConfigError: channels other than 1 and 3, or a size below 1.
            ResourceError: the cache cannot be written.
        """
        if channels not in (None, 1, 3) or (image_size is not None and image_size < 1):
            raise ConfigError(
                "images cannot be read like that",
                given=f"image_size {image_size}, channels {channels}",
                allowed="image_size from 1, channels 1 or 3",
            )
        root = Path(self.path)
        layout = find_pictures(root, split)
        size = image_size or typical_size(root, layout.names)
        found = cached_pictures(cache / "folder", root, layout.names, size=size, channels=channels)
        unreadable = found.entry.unreadable
        if unreadable and (self.on_error == "stop" or len(unreadable) == len(layout.names)):
            raise _unreadable_error(root, found)
        _note(layout, found)
        kept = [row for row, name in enumerate(layout.names) if name not in unreadable]
        labels = [layout.labels[row] for row in kept] if layout.classes else []
        _check_classes_left(layout, labels)
        return ImageArray(found.pixels, digest=found.entry.digest, classes=layout.classes, labels=labels)


def _unreadable_error(root: Path, found: CachedPictures) -> DataError:
    unreadable = found.entry.unreadable
    names = _lines(_reasons(unreadable), len(unreadable), found.folder)
    readable = len(found.pixels) > 0
    return DataError(
        f"{root}: {len(unreadable):,} of {len(unreadable) + len(found.pixels):,} images cannot be read{names}",
        hint="repair or remove them, or leave them out with --set data.on_error=skip"
        if readable
        else "none is left: give --data another folder",
    )


def _note(layout: Layout, found: CachedPictures) -> None:
    """Say what was done to the data, in every run."""
    entry = found.entry
    if layout.ignored:
        logger.info("ignored, since they do not have the name of an image: %s files", f"{layout.ignored:,}")
    if entry.unreadable:
        lines = _lines(_reasons(entry.unreadable), len(entry.unreadable), found.folder)
        share = f"{len(entry.unreadable):,} of {len(layout.names):,}"
        logger.warning("left out, since they cannot be read: %s images%s", share, lines)
    if entry.animated:
        lines = _lines(entry.animated, len(entry.animated), None)
        share = f"{len(entry.animated):,} of {len(layout.names):,}"
        logger.warning("only the first frame or page is used of %s images%s", share, lines)


def _reasons(unreadable: Mapping[str, str]) -> Iterator[str]:
    return (f"{name}: {reason}" for name, reason in unreadable.items())


def _lines(names: Iterable[str], count: int, folder: Path | None) -> str:
    shown = [f"\n  {name}" for name, _ in zip(names, range(LISTED), strict=False)]
    if count > LISTED:
        where = f"; all are in {folder / 'unreadable.txt'}" if folder else ""
        shown.append(f"\n  and {count - LISTED:,} more{where}")
    # A name that is no valid UTF-8 must not break the message that names it.
    return "".join(shown).encode("utf-8", "backslashreplace").decode()


def _check_classes_left(layout: Layout, labels: Sequence[int]) -> None:
    lost = [name for number, name in enumerate(layout.classes) if number in set(layout.labels) - set(labels)]
    if lost:
        raise DataError(
            f"no image is left of class {', '.join(lost)}", hint="remove its folder, or put readable images into it"
        )
