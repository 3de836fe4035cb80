"""Your own pictures, however they are kept."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from ganzoo.component import DatasetOptions
from ganzoo_datasets.files.choosing import choose
from ganzoo_datasets.files.opening import check_pixels, open_pictures
from ganzoo_datasets.files.ranges import RangeOption
from ganzoo_datasets.files.recognition import recognize

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset


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

    Folders: flat, or one sub-folder per class (deeper folders belong to it). A folder that holds ``train/``, optionally
    ``val/`` and ``test/``, and nothing else has those splits; otherwise everything is ``train``. ``all`` is everything.
    Class names are the sub-folders of train, sorted; a single one means no classes. Every file with the extension of an
    image must decode in full; other files are ignored and counted, hidden files without a word. Images beside class
    folders, class folders without an image, and empty folders are errors.

    Tables: a CSV file with a header, then one line per picture; separated by commas, semicolons or tabs; UTF-8.
    ``image`` is a path, relative to the folder of the table or to ``root``, or a name without its extension if exactly
    one picture matches. ``label`` is the name of a class, ``group`` what must stay together, usually the patient: it is
    kept as the dataset's ``groups`` and never shown to a network. ``split`` is ``train``, ``val`` or ``test``; without
    this column everything is train. Pictures keep the order of the table. Columns with other names are chosen with
    ``image_column`` and so on.

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
    groups: Literal["auto", "none"] = Field(
        default="auto", description="what must stay in one split, such as a patient; none = nothing"
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
        return None if path is None else str(Path(path).expanduser().absolute())

    @field_validator("range", mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        """``0,1123`` is how a pair is written on the command line."""
        return value.split(",") if isinstance(value, str) and "," in value else value

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
