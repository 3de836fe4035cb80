"""Your own pictures, however they are kept."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from ganzoo.component import DatasetOptions
from ganzoo_datasets.files.choosing import choose
from ganzoo_datasets.files.exclusion import as_patterns
from ganzoo_datasets.files.opening import check_pixels, open_pictures
from ganzoo_datasets.files.ranges import RangeOption
from ganzoo_datasets.files.recognition import LAYOUTS, recognize
from ganzoo_datasets.files.sources.volumes import Axis

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset

LONGEST_NAME = 255
"""Bytes of the name of a file or folder on the usual file systems."""


class Pictures(DatasetOptions):
    """Pictures of any size and mode, in a folder or a file.

    Pixels: the shorter side is resized to ``image_size`` (Lanczos, antialiased) and the center is cut out; ``fit``
    chooses otherwise. Without a size: the largest power of two, 32 to 128, that is at most the median shorter side.
    Without channels: RGB if any image has a color mode, else gray. CMYK and palette become RGB; transparency is laid
    over white, unless it hides everything; the stated orientation is applied; an animation or a file with several
    pages or frames gives its first, with a warning; more than 178,956,970 pixels are refused as a decompression bomb.
    Embedded color profiles are not applied.

    Values: the range that a file states becomes 0 to 255: 4095 of 12 bits is white, 0 is black, or the other way round
    where the file says so (white-is-zero, MONOCHROME1). DICOM states a window, or else the range of its bits after
    rescaling. 32-bit and float pixels state no range and need ``range``, which applies to all files alike, in their own
    units (DICOM: after rescaling). A set that uses less than an eighth of its range, or mixes ranges, is warned of in
    every run.

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

    Tables: a file with a header, then one line per picture, separated by commas, semicolons or tabs; UTF-8. PATH is
    the table, or the folder that holds it and the pictures, in any number of folders. Columns are known by the names
    that published sets use: pictures by ``image``, ``image_id``, ``isic_id``, ``file_name`` and others; classes by
    ``label``, ``dx``, ``target`` and others, or by several columns of 0 and 1 (a row of zeros has no class, ``UNK`` is
    a class); groups by ``group``, then patients, subjects, writers, cases, then lesions; splits by ``split``, in all
    usual spellings. ``image_column`` and so on choose others. A picture is found by its path below the table's folder
    or ``root``, or by its name in any folder there; its ending may be missing or in another case; two that fit are an
    error. Rows without a class and pictures without a row are left out with a count; several classes in one row are an
    error, unless ``several_labels`` says otherwise. Groups are kept as the dataset's ``groups`` and never shown to a
    network. Pictures keep the order of the table. Beside class folders a table is read only if ``layout`` is ``table``.

    Metadata: ``metadata.csv`` or ``metadata.jsonl`` with ``file_name``, at the top or one per split, as Hugging Face
    has them. StyleGAN: ``dataset.json`` with a number or a one-hot vector per picture, or without labels.

    Volumes: a NIfTI file, or a folder of them; each slice is a picture, with head or front up and the right of the body
    to the right. ``axis`` and ``range`` must be stated. Folders named train, val or test are splits; other folders are
    classes, unless most hold a single volume. Slices of a volume, or of a subject (``sub-01``), belong together. Of
    several volumes in a file the first is used.

    Arrays: a ``.npz`` or ``.npy`` file, or a folder of ``.npy`` files, with ``train_images`` and ``train_labels``
    (``val_``, ``test_``), ``images`` and ``labels``, ``x_train`` and ``y_train``, ``X`` and ``y``, ``data`` and
    ``labels``, or ``arr_0``; and the IDX files of MNIST and its family, as published or in ``.gz``, one ``family`` of
    them (EMNIST's lie on their side and are turned upright). Pictures are (N, H, W), (N, H, W, 1 or 3 or 4) or
    (N, 1 or 3, H, W); uint8, uint16, bool, or floats from 0 or -1 to 1. Labels are whole numbers or texts, one per
    picture, or one-hot. Without a size, that of the arrays is used. Nothing is ever unpickled.

    HDF5 (extra ``hdf5``): such arrays (also ``imgs``), or one dataset of encoded bytes per picture, with classes and
    patients from the table beside it, as ``train-image.hdf5`` and ``train-metadata.csv`` of ISIC 2024. MATLAB 5 to 7
    (extra ``mat``): CIFAR's ``data`` with the class names of its meta file; SVHN's ``X`` and ``y``, where the label 10
    is the digit 0; arrays with the number of pictures first or last. Parquet (extra ``parquet``): a column of encoded
    bytes, or of bytes and paths; the split from the name of each file, the class names from Hugging Face's metadata; a
    label of -1 is none.

    Classes are those of train: numbers by value, others alphabetically. A group in several splits is an error.

    Decoded pixels are kept below ``GANZOO_CACHE`` and reused until the path, size or time of a file changes.
    """

    path: str = Field(min_length=1, description="the folder or file; saved as an absolute path")
    layout: str = Field(default="auto", description="how the pictures are kept; auto = by what is there")
    fit: Literal["crop", "pad", "stretch"] = Field(
        default="crop", description="a picture that is not a square: cut out its center, pad it with black, or stretch"
    )
    range: RangeOption = Field(
        default="stored",
        description="the values that become black and white: stored = what each file states; LOWEST,HIGHEST in the "
        "files' own units; or measured = the lowest and highest of the training set",
    )
    axis: Axis | None = Field(
        default=None, description="which slices of volumes (NIfTI) are the pictures; null = volumes are refused"
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
    image_column: str | None = Field(
        default=None,
        min_length=1,
        description="column with the paths of the images; null = image, file_name or the like",
    )
    label_column: str | None = Field(
        default=None,
        min_length=1,
        description="column with the classes; null = label, dx, target or the like, if present",
    )
    group_column: str | None = Field(
        default=None,
        min_length=1,
        description="column with patients or the like; null = group, patient_id, lesion_id or the like, if present",
    )
    split_column: str | None = Field(
        default=None, min_length=1, description="column with the splits; null = split, if present"
    )
    several_labels: Literal["stop", "drop", "join"] = Field(
        default="stop",
        description="a picture to which a table gives several classes: stop with an error, drop the picture, or join "
        "them to one class",
    )

    @field_validator("exclude", mode="before")
    @classmethod
    def _one_or_several(cls, patterns: object) -> object:
        """A text is one pattern, or several with commas between them."""
        return as_patterns(patterns) if isinstance(patterns, str) else patterns

    family: str | None = Field(
        default=None,
        description="what the names of IDX files begin with, such as emnist-letters; null = the only family there",
    )
    transpose: bool | None = Field(
        default=None, description="swap rows and columns of IDX pictures; null = only if the family begins with emnist"
    )

    @field_validator("path", "root")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        return None if path is None else str(_plain(_expanded(path).absolute()))

    @field_validator("range", mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        """``0,1123`` is how a pair is written on the command line."""
        ends = value.split(",") if isinstance(value, str) and "," in value else value
        if isinstance(ends, list | tuple) and any(isinstance(end, bool) for end in ends):
            raise ValueError("true and false are not numbers")
        return ends

    @field_validator("range")
    @classmethod
    def _ascending(cls, value: RangeOption) -> RangeOption:
        if not isinstance(value, str) and not -math.inf < value[0] < value[1] < math.inf:
            raise ValueError("the lowest value must be below the highest")
        return value

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

    @classmethod
    def layouts(cls) -> dict[str, str]:
        """The layouts that are recognized, in the order in which they are asked."""
        return {layout.name: layout.summary for layout in LAYOUTS}


def _expanded(written: str) -> Path:
    try:
        path = Path(written).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{written} begins with a home folder that does not exist; write the path out") from error
    if "\0" in written or any(len(os.fsencode(part)) > LONGEST_NAME for part in path.parts):
        raise ValueError(f"no file or folder can be called so: names have at most {LONGEST_NAME} bytes, none of them 0")
    return path


def _plain(path: Path) -> Path:
    """A path without ``..``; behind a symbolic link that leads elsewhere than the text says."""
    if ".." not in path.parts:
        return path
    plain = Path(os.path.normpath(path))
    alike = plain.samefile(path) if plain.exists() and path.exists() else not path.exists()
    return plain if alike else path.resolve()
