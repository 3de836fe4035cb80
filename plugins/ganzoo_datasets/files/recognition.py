"""Which layout a place has: the layouts are asked one after another, the most telling first."""

from __future__ import annotations

import difflib
import logging
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError, DataError
from ganzoo_datasets.files.collection import TABLE_OPTIONS, Collection
from ganzoo_datasets.files.exclusion import kept, without_excluded
from ganzoo_datasets.files.layouts.braces import expanded, has_braces
from ganzoo_datasets.files.layouts.layout import Layout, Place
from ganzoo_datasets.files.sources.archive import archive
from ganzoo_datasets.files.sources.files import FolderFiles
from ganzoo_datasets.files.sources.joined import JoinedFiles

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

AUTO = "auto"
LAYOUTS = (
    Layout(name="npz", summary="NumPy's .npz or .npy files with arrays of pictures and labels", module="npz"),
    Layout(name="hdf5", summary="HDF5 files with arrays, or with the bytes of each picture", module="hdf5"),
    Layout(name="mat", summary="MATLAB files of CIFAR, SVHN, or with such arrays", module="mat"),
    Layout(name="parquet", summary="parquet files with encoded pictures, as Hugging Face keeps them", module="parquet"),
    Layout(name="idx", summary="the files of MNIST, Fashion-MNIST, EMNIST or similar sets", module="idx"),
    Layout(name="pickles", summary="CIFAR's pickled batches, which are refused", module="pickles"),
    Layout(name="nifti", summary="NIfTI volumes, .nii or .nii.gz, whose slices are the pictures", module="nifti"),
    Layout(name="stylegan", summary="StyleGAN's folder with dataset.json", module="stylegan"),
    Layout(name="metadata", summary="Hugging Face's folder with metadata.csv or metadata.jsonl", module="metadata"),
    Layout(
        name="table",
        summary="a table (.csv, .tsv) with the class, patient and split of each picture, or its folder",
        module="table",
    ),
    Layout(name="webdataset", summary="WebDataset shards: .tar files with key.jpg and key.cls", module="webdataset"),
    Layout(name="folders", summary="a folder of pictures, flat or one sub-folder per class", module="folders"),
    Layout(name="class-folders", summary="the same, and every folder at the top is a class", module="folders"),
    Layout(name="split-folders", summary="the same, and only folders such as train and test count", module="folders"),
    Layout(name="part-folders", summary="the same, and the folders at the top are parts of the set", module="folders"),
)
"""In the order in which they are asked; ``folders`` takes any folder, so it comes last."""


def recognize(options: Pictures) -> Collection:
    """The collection at ``options.path``.

    Raises:
        DataError: nothing is there, or nothing that a layout knows.
        ConfigError: there is no such layout.
    """
    place = _place(Path(options.path))
    patterns = options.exclude or ()
    if patterns and place.files is not None:
        place = replace(place, files=kept(place.files, patterns))
    for layout in _asked(options.layout):
        if (found := layout.find(place, options)) is not None:
            _refuse_idle_options(found, options)
            _warn_of_no_folders(found, options)
            return without_excluded(_labeled_or_not(found, options), place.files, patterns)
    known = options.layout == AUTO
    asked = _asked(options.layout)
    others = ", ".join(layout.name for layout in asked if layout.module not in ("folders", "pickles"))
    raise DataError(
        f"{place.path} is not a collection of pictures" + ("" if known else f" in the layout {options.layout!r}"),
        given=place.path,
        allowed=f"a folder of pictures, an archive of one, or the layouts {others}" if known else asked[0].summary,
        hint="ganzoo info pictures" if known else f"ganzoo run --data {shlex.quote(str(place.path))}",
    )


def _refuse_idle_options(found: Collection, options: Pictures) -> None:
    """Whoever names a column of classes or patients must not train without them and never hear of it."""
    for option in TABLE_OPTIONS:
        if (given := getattr(options, option)) is not None and option not in found.obeyed:
            raise DataError(
                f"{found.place} is read in the layout {found.layout}, where data.{option} has no effect",
                given=f"data.{option}={given}",
                allowed=f"with this layout: {', '.join(sorted(found.obeyed)) or 'none of the options of tables'}",
                hint=f"leave it out, --set data.{option}=null, or give a table: ganzoo run --data TABLE.csv",
            )


def _warn_of_no_folders(found: Collection, options: Pictures) -> None:
    if options.groups == "folder" and not any(item.group for item in found.items):
        logger.warning(
            "%s: the layout %s has no folders that could be groups, so there are no groups; --set data.groups=auto "
            "takes those that it states",
            found.place,
            found.layout,
        )


def _labeled_or_not(found: Collection, options: Pictures) -> Collection:
    if options.classes != "none":
        return found
    return replace(found, items=tuple(replace(item, label="") for item in found.items), classes=())


def _asked(name: str) -> tuple[Layout, ...]:
    chosen = tuple(layout for layout in LAYOUTS if name in (AUTO, layout.name))
    if not chosen:
        raise ConfigError(
            f"there is no layout {name!r}",
            given=name,
            allowed=", ".join((AUTO, *(layout.name for layout in LAYOUTS))),
            hint="--set data.layout=auto",
        )
    return chosen


def _place(path: Path) -> Place:
    if path.is_dir():
        return Place(path, FolderFiles(path))
    if not path.exists():
        if has_braces(path):
            below = next(folder for folder in path.parents if not has_braces(folder))
            return Place(path, JoinedFiles(path, expanded(path), below=below))
        raise _missing(path)
    return Place(path, archive(path))


def _missing(path: Path) -> DataError:
    """What of a path does not exist, and what has nearly its name."""
    above = next(folder for folder in path.parents if folder.exists())
    part = above / path.relative_to(above).parts[0]
    names = sorted(one.name for one in above.iterdir()) if above.is_dir() and os.access(above, os.R_OK) else []
    look = f"see what is there with: ls {shlex.quote(str(above))}" if above.is_dir() else "give another path"
    near = [str(above / name) for name in difflib.get_close_matches(part.name, names, n=3)]
    return DataError(
        f"there is no file or folder {path}"
        + (f": {above} has no {part.name}" if part != path or not above.is_dir() else ""),
        given=path,
        allowed="a folder of pictures, or a file that lists or holds them",
        hint=f"did you mean {' or '.join(near)}?" if near else look,
    )
