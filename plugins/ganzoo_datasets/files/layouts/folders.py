"""A folder of pictures: flat, or one sub-folder per class, optionally inside folders that are splits."""

from __future__ import annotations

import logging
import os
import re
import shlex
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection, PictureItem
from ganzoo_datasets.files.layouts.arrangement import arrange
from ganzoo_datasets.files.layouts.channels import warn_of_channels
from ganzoo_datasets.files.layouts.companions import find_companions, report_companions
from ganzoo_datasets.files.layouts.faults import faults
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.layouts.named_splits import warn_of_named_splits
from ganzoo_datasets.files.layouts.placed import AUTO, PARTS, Placed
from ganzoo_datasets.files.layouts.unread import is_unread, report_unread
from ganzoo_datasets.files.layouts.wrapping import wrapping
from ganzoo_datasets.files.pixels.reader import SUFFIXES, holds_picture
from ganzoo_datasets.files.sources.files import Files, FileSource

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

MANY_CLASSES, FEW_PICTURES, FEW_WITH_NUMBERS = 20, 20, 100
"""From so many classes of so few pictures each, one folder per patient is likely; the more so if names are numbers."""

_PERSON = re.compile(r"(case|pat|patient|person|pt|sub|subj|subject|p|s|id|participant)[\s_.-]*\d+", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d{4}")


def find(place: Place, options: Pictures) -> Collection | None:
    """The pictures below a folder, or in an archive of one.

    Raises:
        DataError: it has no picture, or its folders may mean several things.
    """
    if place.files is None:
        return None
    files = place.files
    pictures = [name for name in files.names if holds_picture(name, files.open)]
    unread = [name for name in files.names if is_unread(name)]
    other = sorted(set(files.names) - set(pictures) - set(unread))
    companions = find_companions(pictures)
    certain = companions.certain if options.exclude is None else {}
    names = [name for name in pictures if name not in certain]
    report_unread(place.path, unread, len(names))
    _refuse_nothing(place, names, other)
    report_companions(companions, kept=options.exclude is not None)
    if other:
        logger.info("ignored files without the ending of a picture: %s", f"{len(other):,}")
    left_out = {
        **dict.fromkeys(other, "not the ending of a picture"),
        **dict.fromkeys(unread, "an ending that is not read"),
        **certain,
    }
    return _collection(place, files, names, certain, left_out, options)


def _collection(
    place: Place,
    files: Files,
    names: Sequence[str],
    certain: Mapping[str, str],
    left_out: Mapping[str, str],
    options: Pictures,
) -> Collection:
    empty = partial(_has_empty_folder, files)
    root = wrapping(sorted((*names, *filter(is_unread, files.names))), empty)
    if root:
        logger.info("all pictures are below %s: its folders count", place.path / root)
    found = arrange(
        place.path,
        names,
        root=root,
        empty=empty,
        layout=AUTO if options.layout == "auto" else options.layout,
        join_parts=options.classes != "folders",
    )
    if found.left_out:
        logger.warning("%s pictures are in no split and are left out", f"{len(found.left_out):,}")
    if found.parts and options.layout != PARTS:
        logger.warning(
            "%s: the %s folders %s … %s count as parts of the set, not as classes; --set data.classes=folders makes "
            "them classes",
            place.path,
            f"{len(found.parts):,}",
            found.parts[0],
            found.parts[-1],
        )
    if options.layout == "auto":
        warn_of_named_splits(place.path, found.placed)
        warn_of_channels(place.path, found.placed)
    labeled = _labeled(found.placed, options)
    if labeled and options.classes == "auto":
        _warn_of_patients(found.placed)
    items = [_item(one, labeled=labeled, grouped=options.groups == "folder") for one in found.placed]
    return Collection(
        layout="folders" if options.layout == "auto" else options.layout,
        place=place.path,
        source=FileSource(files),
        items=tuple(items),
        classes=tuple(sorted({item.label for item in items if item.split == "train"} - {""})),
        left_out={**left_out, **found.left_out},
        faults=faults(place.path, found.placed, files.folders, [*found.left_out, *certain]) if labeled else {},
    )


def _item(one: Placed, *, labeled: bool, grouped: bool) -> PictureItem:
    label = one.below[0] if labeled and one.below else ""
    return PictureItem(
        name=one.name, label=label, group=_group(one, labeled=labeled) if grouped else "", split=one.split
    )


def _labeled(placed: Sequence[Placed], options: Pictures) -> bool:
    """Whether the folders below a split are classes. Where they are groups, classes need a level of their own."""
    if options.classes == "auto" and options.groups == "folder":
        return all(len(one.below) > 1 for one in placed)
    return options.classes != "none"


def _group(one: Placed, *, labeled: bool) -> str:
    """The first folder below the class; without classes, the first one."""
    below = one.below[1:] if labeled else one.below
    if not below:
        raise DataError(
            f"{one.name} is in no folder that could be its group",
            given="data.groups=folder",
            allowed="pictures in a folder for each patient, or for each patient within the classes",
            hint="--set data.groups=none, or --set data.classes=none if the folders are patients",
        )
    return below[0]


def _warn_of_patients(placed: Sequence[Placed]) -> None:
    counts = Counter(one.below[0] for one in placed if one.below and one.split == "train")
    named = len(counts) > 2 and all(map(_PERSON.fullmatch, counts))
    few = FEW_WITH_NUMBERS if all(map(_LONG_NUMBER.search, counts)) else FEW_PICTURES
    if named or (len(counts) >= MANY_CLASSES and statistics.median(counts.values()) <= few):
        logger.warning(
            "each of the %s folders %s … %s, with %g pictures at the median, counts as a class; if they are patients, "
            "use --set data.classes=none --set data.groups=folder; --set data.classes=folders says that they are "
            "classes",
            f"{len(counts):,}",
            min(counts),
            max(counts),
            statistics.median(counts.values()),
        )


def _has_empty_folder(files: Files, above: str) -> bool:
    """Whether a folder has one in it without any file."""
    start = f"{above}/" if above else ""
    direct = {name for name in files.folders if name.startswith(start) and "/" not in name[len(start) :]}
    filled = {start + name[len(start) :].partition("/")[0] for name in files.names if name.startswith(start)}
    return bool(direct - filled)


def _refuse_nothing(place: Place, names: Sequence[str], other: Sequence[str]) -> None:
    if names:
        return
    endings: defaultdict[str, int] = defaultdict(int)
    for name in other:
        endings[os.path.splitext(name)[1].lower() or "no ending"] += 1
    counts = ", ".join(f"{ending}: {count:,}" for ending, count in sorted(endings.items())[:10])
    files = f"{len(other)} other file{'s' * (len(other) != 1)}"
    archives = [name for name in other if name.lower().endswith((".zip", ".tar", ".tgz", ".tar.gz"))]
    hint = "use --data FOLDER with images, flat or one subfolder per class"
    if archives:
        one = shlex.quote(str(place.path / archives[0]))
        hint = f"ganzoo run --data {one}" if place.path.is_dir() else f"unpack {place.path}, then use --data FOLDER"
    raise DataError(
        f"{place.path} holds no image" + (": an archive there must be given itself" if archives else ""),
        given=f"{files} ({counts})" if other else "no files",
        allowed=" ".join(sorted(SUFFIXES)),
        hint=hint,
    )
