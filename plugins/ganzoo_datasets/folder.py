"""Your own pictures: a folder of images."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from ganzoo.component import DatasetOptions
from ganzoo_datasets.folder_layout import find_pictures
from ganzoo_datasets.picture_set import PictureSet, check_pixels, open_pictures

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset

logger = logging.getLogger("ganzoo")


class Folder(DatasetOptions):
    """A folder of images of any size and mode: flat, or one sub-folder per class (deeper folders belong to it).

    Splits: a folder that holds ``train/``, optionally ``val/`` and ``test/``, and nothing else has those splits;
    otherwise everything is ``train``, and a ``train/`` beside other folders is a class, with a warning. ``all`` is
    everything. Class names are the sub-folders of train, sorted; a single one means no classes.

    Files: every file with the extension of an image (.jpg, .png, .webp, .gif, .tif, .bmp, .avif, …, in any case) must
    decode in full. Other files are ignored and counted in a note; hidden files are ignored without one. Images beside
    class folders, class folders without an image, and empty folders are errors.

    Pixels: the shorter side is resized to ``image_size`` (Lanczos, antialiased) and the center is cut out. Without a
    size: the largest power of two, 32 to 128, that is at most the median shorter side. Without channels: RGB if any
    image has a color mode, else gray. 16-bit gray is divided by 257; 16-bit color keeps the high byte; 32-bit pixels
    are refused; CMYK and palette become RGB; transparency is laid over white; EXIF orientation is applied; an animation
    or a file with several pages gives its first frame or page, with a warning; more than 178,956,970 pixels are refused
    as a decompression bomb. Embedded color profiles are not applied.

    Decoded pixels are kept below ``GANZOO_CACHE`` and reused until the path, size or time of a file changes.
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
        check_pixels(image_size, channels)
        root = Path(self.path)
        layout = find_pictures(root, split)
        pictures = PictureSet(root=root, names=layout.names, classes=layout.classes, labels=layout.labels)
        found = open_pictures(
            pictures, image_size=image_size, channels=channels, on_error=self.on_error, cache=cache / "folder"
        )
        if layout.ignored:
            logger.info("ignored files without the extension of an image: %s", f"{layout.ignored:,}")
        return found
