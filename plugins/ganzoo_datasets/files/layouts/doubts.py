"""Folders that may mean two things: the error names the option for either."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.layouts.placed import CLASSES, PARTS, SPLITS, relative
from ganzoo_datasets.files.layouts.shards import are_shards

MOST_NAMED = 3
"""So many loose pictures are named in a hint."""


def refuse_mixture(place: Path, splits: Sequence[str], others: Sequence[str], loose: Sequence[str]) -> None:
    """Some folders are named for splits, and others are not.

    Args:
        place: the folder or archive.
        splits: the folders that are named for splits.
        others: what lies beside them.
        loose: those of the others that are pictures, which no layout takes for a class.

    Raises:
        DataError: always.
    """
    loose = [name for name in loose if name in others]
    meant = "a picture in no split" if len(loose) == 1 else "pictures in no split"
    if not loose or len(loose) < len(others):
        meant = "either may be splits or classes"
    classes = f"--set data.layout={CLASSES} to take all folders as classes"
    if loose:
        out = loose_left_out(loose)
        classes = out if len(loose) == len(others) else f"{out} and {classes}"
    beside = f" beside {', '.join(sorted(others)[:10])}" if others else ""
    raise DataError(
        f"{place} holds {', '.join(sorted(splits)[:10])}{beside}: {meant}",
        given=", ".join(sorted((*splits, *others))[:20]),
        allowed="only folders that are splits, such as train, val and test, or only folders that are classes",
        hint=f"--set data.layout={SPLITS} to read the splits and leave out anything else, or {classes}",
    )


def loose_left_out(loose: Sequence[str]) -> str:
    """What leaves pictures out that lie beside folders."""
    return left_out([os.path.basename(name) for name in loose], "the loose pictures", "move the loose pictures away")


def left_out(patterns: Sequence[str], what: str, otherwise: str) -> str:
    """What leaves names out; ``exclude`` would take signs in them for patterns."""
    if len(patterns) > MOST_NAMED or any(set(name) & set("*?[,") for name in patterns):
        return otherwise
    return f"--set data.exclude={shlex.quote(','.join(patterns))} to leave out {what}"


def _quoted(names: Sequence[str]) -> str:
    return " ".join(shlex.quote(name) for name in sorted(names)[:10])


def refuse_equal_sub_folders(place: Path, tops: Mapping[str, Sequence[str]], root: str) -> None:
    """All folders at the top hold the same sub-folders: sites with the same classes, or classes with the same sites.

    Raises:
        DataError: it is so.
    """
    inner = [{tuple(relative(name, root)[1:-1])[:1] for name in names} for names in tops.values()]
    same = sorted(first for found in inner[:1] for one in found for first in one)
    if len(tops) < 2 or len(same) < 2 or any(found != inner[0] or () in found for found in inner) or are_shards(same):
        return
    raise DataError(
        f"{place} holds {', '.join(sorted(tops)[:10])}, all with the same sub-folders: either may be the classes",
        given=f"sub-folders {', '.join(same[:10])}",
        allowed="folders of classes at the top, or below folders that are splits or numbered parts",
        hint=f"--set data.layout={CLASSES} if the classes are {_quoted(list(tops))}, or --set data.layout={PARTS} if "
        f"they are {_quoted(same)}",
    )
