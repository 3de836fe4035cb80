"""NIfTI volumes: each slice across one axis is a picture, and what belongs together is the volume or the subject."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection, PictureItem
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.pixels.reader import is_picture
from ganzoo_datasets.files.sources.files import Files, LooseFiles
from ganzoo_datasets.files.sources.volumes import AXES, INSTALL, SUFFIXES, Axis, Shape, Volumes, shape_of
from ganzoo_datasets.files.splits import Split, split_of

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

NAME = "nifti"
SUBJECT = re.compile(r"(?:^|/)(sub-[A-Za-z0-9]+)")
"""How BIDS names a person, in folders and files."""


def find(place: Place, options: Pictures) -> Collection | None:
    """The slices of a volume, or of all volumes below a folder that holds no other pictures.

    Raises:
        DataError: the axis or the range is not stated, nibabel is missing, or volumes cannot be read.
    """
    files, names = _volumes(place)
    if not names or (options.layout != NAME and any(is_picture(name) for name in files.names)):
        return None
    shapes, unreadable = _shapes(files, names)
    if unreadable and (options.on_error == "stop" or not shapes):
        raise DataError(
            f"{place.path}: {len(unreadable):,} of {len(names):,} volumes cannot be read"
            + listed([f"{name}: {reason}" for name, reason in unreadable.items()], len(unreadable)),
            hint="repair or remove them, or leave them out with --set data.on_error=skip" if shapes else None,
        )
    if options.axis is None or options.range == "stored":
        raise _unstated(place, shapes)
    if unreadable:
        logger.warning("%s of %s volumes cannot be read and are left out", len(unreadable), len(names))
    return Collection(
        layout=NAME,
        place=place.path,
        source=Volumes(files, options.axis),
        items=tuple(_items(shapes, options.axis, grouped=options.groups == "auto")),
        left_out=unreadable,
    )


def _volumes(place: Place) -> tuple[Files, list[str]]:
    files = place.files or LooseFiles(place.path.parent)
    candidates = files.names if place.files else (place.path.name,)
    return files, [name for name in candidates if name.lower().endswith(SUFFIXES)]


def _shapes(files: Files, names: Sequence[str]) -> tuple[dict[str, Shape], dict[str, str]]:
    shapes, unreadable = {}, {}
    for name in names:
        try:
            shapes[name] = shape_of(files, name)
        except UnreadablePicture as error:
            unreadable[name] = str(error)
        except ImportError as error:
            raise DataError(
                f"{files.place / name} is NIfTI, which needs nibabel", given=files.place / name, hint=INSTALL
            ) from error
    return shapes, unreadable


def _unstated(place: Place, shapes: Mapping[str, Shape]) -> DataError:
    name, shape = next(iter(shapes.items()))
    slices = ", ".join(f"{count} {axis}" for axis, count in zip(AXES, shape.slices, strict=True))
    return DataError(
        f"{place.path} holds volumes: which slices are pictures, and which values are black and white?",
        given=f"{name}: slices: {slices}",
        allowed=f"data.axis: {', '.join(AXES)}; data.range: measured, or LOWEST,HIGHEST in the units of the files",
        hint=f"ganzoo run --data {shlex.quote(str(place.path))} --set data.axis=axial --set data.range=measured",
    )


def _items(shapes: Mapping[str, Shape], axis: Axis, *, grouped: bool) -> list[PictureItem]:
    splits, labels = {}, {}
    for name in shapes:
        splits[name], labels[name] = _split_and_label(name)
    if not _are_classes(labels):
        labels = dict.fromkeys(shapes, "")
    return [
        PictureItem(
            name=f"{name}#{number}",
            label=labels[name],
            split=splits[name],
            group=_group(name) if grouped else "",
        )
        for name, shape in shapes.items()
        for number in range(shape.slices[AXES.index(axis)])
    ]


def _group(name: str) -> str:
    """The subject, where the name tells it, or else the volume."""
    subject = SUBJECT.search(name)
    return subject[1] if subject else name


def _split_and_label(name: str) -> tuple[Split, str]:
    folders = [*name.split("/")[:-1], "", ""]
    split = split_of(folders[0])
    return ("train", folders[0]) if split is None else (split, folders[1])


def _are_classes(labels: Mapping[str, str]) -> bool:
    """Whether the folders are classes: all volumes are in one, and none looks like the folder of a person."""
    names = list(labels.values())
    folders = set(names) - {""}
    if len(folders) < 2:
        return False
    alone = sum(names.count(folder) == 1 for folder in folders)
    if "" in names or any(SUBJECT.match(folder) for folder in folders) or 2 * alone > len(folders):
        logger.warning(
            "the folders %s do not count as classes, because most hold a single volume, or a subject, or other volumes "
            "lie beside them",
            ", ".join(sorted(folders)[:10]),
        )
        return False
    return True
