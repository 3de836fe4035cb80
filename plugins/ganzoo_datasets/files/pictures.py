"""Your own pictures, however they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from ganzoo.component import DatasetOptions
from ganzoo_datasets.files.choosing import choose
from ganzoo_datasets.files.exclusion import as_patterns
from ganzoo_datasets.files.opening import check_pixels, open_pictures
from ganzoo_datasets.files.recognition import recognize

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset


class Pictures(DatasetOptions):
    """Pictures of any size and mode, in a folder or a file.

    Pixels: the shorter side is resized to ``image_size`` (Lanczos, antialiased) and the center is cut out; ``fit``
    chooses otherwise. Without a size: the largest power of two, 32 to 128, that is at most the median shorter side.
    Without channels: RGB if any image has a color mode, else gray. 16-bit gray is divided by 257; 16-bit color keeps
    the high byte; 32-bit pixels are refused; CMYK and palette become RGB; transparency is laid over white; EXIF
    orientation is applied; an animation or a file with several pages gives its first frame or page, with a warning;
    more than 178,956,970 pixels are refused as a decompression bomb. Embedded color profiles are not applied.

    Folders: flat, or one sub-folder per class (deeper folders belong to it). Folders at the top are splits if all of
    them are named for one: ``train``, ``val``, ``test``, and synonyms such as ``Training``, ``valid``, ``dev``,
    ``test_set``, in any case; otherwise everything is ``train``. ``trainA`` and ``trainB`` are two classes. ``all`` is
    everything. Folders around all of these, and parts of a set such as ``part_1`` and ``00000``, do not count, and a
    line says so. Splits beside other folders, or folders that all hold the same sub-folders, are an error that names
    the choice: ``layout: class-folders | split-folders | part-folders``. Class names are the sub-folders of train,
    sorted; a single one means no classes. ``groups: folder`` makes a group, such as a patient, of each folder, or of
    each folder within a class. Every file with the ending of an image must decode in full; pictures of other formats
    are left out with a warning, and an error where they are the majority; other files are counted, hidden files left
    out without a word. Images beside class folders, class folders without an image, and empty folders are errors.

    Masks and thumbnails that bear the name of another picture (``a_mask.png``, ``masks/a.png``, ``@eaDir``) are left
    out with a warning. ``exclude`` takes patterns instead, such as ``*_mask.png`` or ``thumbs``; in a text, commas
    separate them.

    Archives: a ``.zip``, ``.tar``, ``.tar.gz`` or ``.tgz`` reads as the folder in it, without being unpacked.
    WebDataset: one ``.tar``, a folder of them, or ``shard-{000..009}.tar``; the key of a sample ends at the first dot
    of its name, ``cls`` or a label in ``json`` is its class, and a word in the name of a shard is its split.

    Tables: a CSV file with a header, then one line per picture; separated by commas, semicolons or tabs; UTF-8.
    ``image`` is a path, relative to the folder of the table or to ``root``, or a name without its extension if exactly
    one picture matches. ``label`` is the name of a class, ``group`` what must stay together, usually the patient: it is
    kept as the dataset's ``groups`` and never shown to a network. ``split`` is ``train``, ``val`` or ``test``; without
    this column everything is train. Pictures keep the order of the table. Columns with other names are chosen with
    ``image_column`` and so on.

    Classes are those of train: numbers by value, others alphabetically. A group in several splits is an error.

    Decoded pixels are kept below ``GANZOO_CACHE`` and reused until the path, size or time of a file changes.
    """

    path: str = Field(min_length=1, description="the folder or file; saved as an absolute path")
    layout: str = Field(default="auto", description="how the pictures are kept; auto = by what is there")
    fit: Literal["crop", "pad", "stretch"] = Field(
        default="crop", description="a picture that is not a square: cut out its center, pad it with black, or stretch"
    )
    classes: Literal["auto", "folders", "none"] = Field(
        default="auto", description="classes: folders = every folder is one, parts of the set too; none = no classes"
    )
    groups: Literal["auto", "folder", "none"] = Field(
        default="auto",
        description="what must stay in one split, such as a patient; folder = the folder of a picture; none = nothing",
    )
    exclude: list[str] | None = Field(
        default=None,
        description="patterns of files and folders to leave out, such as *_mask.png; null = masks and thumbnails that "
        "bear the name of another picture; [] = nothing",
    )
    root: str | None = Field(
        default=None,
        min_length=1,
        description="the folder that the images of a table are below; null = that of the table",
    )
    image_column: str = Field(default="image", min_length=1, description="column with the paths of the images")
    label_column: str | None = Field(
        default=None, min_length=1, description="column with the classes; null = label, if present"
    )
    group_column: str | None = Field(
        default=None,
        min_length=1,
        description="column with patients or the like; null = group, patient or patient_id, if present",
    )
    split_column: str | None = Field(
        default=None, min_length=1, description="column with the splits; null = split, if present"
    )

    @field_validator("exclude", mode="before")
    @classmethod
    def _one_or_several(cls, patterns: object) -> object:
        """A text is one pattern, or several with commas between them."""
        return as_patterns(patterns) if isinstance(patterns, str) else patterns

    @field_validator("path", "root")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        return None if path is None else str(Path(path).expanduser().absolute())

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Find the pictures and decode one split, or map what an earlier run decoded.

        Raises:
            DataError: nothing that a layout knows, no such split, no images, or (``on_error: stop``) images that cannot
                be read.
            ConfigError: channels other than 1 and 3, or a size below 1.
            ResourceError: the cache cannot be written.
        """
        check_pixels(image_size, channels)
        collection = recognize(self)
        chosen = choose(collection, split)
        return open_pictures(
            collection, chosen, self, image_size=image_size, channels=channels, cache=cache / "pictures"
        )
