"""Which folders mean a split, which a class, and which nothing: by their names and by what lies in them.

Three readings of the folders at the top exist. They are splits (``train``, ``test``), classes (``cat``, ``dog``), or
parts of a large set (``part_1``, ``part_2``). Where names and contents do not decide, nothing is guessed: a GAN
trained on its test pictures looks fine.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.layouts.doubts import refuse_equal_sub_folders, refuse_mixture
from ganzoo_datasets.files.layouts.placed import AUTO, CLASSES, PARTS, SPLITS, Arrangement, Placed, relative
from ganzoo_datasets.files.layouts.shards import are_shards, without_number
from ganzoo_datasets.files.splits import SPLITS as SPLITS_IN_ORDER
from ganzoo_datasets.files.splits import Split, domain_of, split_of

logger = logging.getLogger("ganzoo")


def arrange(
    place: Path, names: Sequence[str], *, root: str, empty: Callable[[str], bool], layout: str, join_parts: bool
) -> Arrangement:
    """Split and folders of each picture.

    Args:
        place: the folder or archive, for messages.
        names: the pictures, as paths below it.
        root: a folder that all of them are in, or the empty text.
        empty: whether a folder has an empty one in it.
        layout: what the folders at the top are; ``folders`` = by what is there.
        join_parts: whether folders ``part_1`` and ``part_2`` are one.

    Raises:
        DataError: the folders may mean several things.
    """
    tops: dict[str, list[str]] = defaultdict(list)
    for name in names:
        tops[relative(name, root)[0]].append(name)
    flat = all(len(relative(name, root)) == 1 for name in names)
    if flat or layout == CLASSES:
        return Arrangement(_all_in_train(names, root))
    if layout == PARTS:
        return Arrangement(_without_first(_all_in_train(names, root)), parts=tuple(tops))
    found = _by_domain(tops, root) or _by_name(place, tops, root, layout) or _class_first(names, root)
    if found is None:
        found = Arrangement(_all_in_train(names, root))
        if layout == AUTO and not are_shards(tops):
            refuse_equal_sub_folders(place, tops, root)
    return _without_idle_folders(found, empty, join_parts=join_parts)


def _all_in_train(names: Sequence[str], root: str) -> list[Placed]:
    return [Placed(name, "train", root, tuple(relative(name, root)[:-1])) for name in names]


def _by_domain(tops: Mapping[str, Sequence[str]], root: str) -> Arrangement | None:
    """``trainA``, ``trainB``, …: two domains, which are the classes A and B."""
    meant = {top: domain_of(top) for top in tops}
    if not all(meant.values()):
        return None
    placed = [
        Placed(name, found[0], root, (found[1], *relative(name, root)[1:-1]))
        for top, names in tops.items()
        if (found := meant[top]) is not None
        for name in names
    ]
    return Arrangement(sorted(placed, key=lambda one: one.name))


def _by_name(place: Path, tops: Mapping[str, Sequence[str]], root: str, layout: str) -> Arrangement | None:
    """``train``, ``test``, …, or a common text around these: ``seg_train``, ``seg_test``."""
    meant = meanings(list(tops))
    mentioned = {top: _mentioned(top) for top in tops}
    named = [top for top, split in mentioned.items() if split]
    several = "train" in mentioned.values() and len(set(map(mentioned.get, named))) > 1
    if not any(meant.values()) and (layout == SPLITS or (several and 2 * len(named) > len(tops))):
        # DIV2K_train_HR beside DIV2K_valid_LR: a split is in the name, but something else as well. A bullet_train and a
        # test_tube among a thousand classes are none.
        if layout != SPLITS:
            refuse_mixture(place, named, [top for top in tops if not mentioned[top]], _loose(tops, root))
        meant = mentioned
    _warn_of_joined_splits(place, meant)
    others = [top for top, split in meant.items() if split is None]
    if len(others) == len(tops):
        if layout == SPLITS:
            raise DataError(
                f"{place} has no folder named for a split",
                given=", ".join(sorted(tops)),
                allowed="train, val, test and their usual spellings",
                hint=f"--set data.layout={AUTO}",
            )
        return None
    if others and layout != SPLITS:
        refuse_mixture(place, [top for top in tops if top not in others], others, _loose(tops, root))
    placed = [
        Placed(name, split, f"{root}/{top}" if root else top, tuple(relative(name, root)[1:-1]))
        for top, split in meant.items()
        if split is not None
        for name in tops[top]
    ]
    left_out = {name: f"{top} is not a split" for top in others for name in tops[top]}
    return Arrangement(sorted(placed, key=lambda one: one.name), left_out)


def _loose(tops: Mapping[str, Sequence[str]], root: str) -> list[str]:
    """What lies at the top and is a picture, not a folder."""
    return [top for top, names in tops.items() if any(len(relative(name, root)) == 1 for name in names)]


def _warn_of_joined_splits(place: Path, meant: Mapping[str, Split | None]) -> None:
    """``dev`` beside ``eval`` are both spellings of val, and somebody may mean two things by them."""
    for split in SPLITS_IN_ORDER:
        words = {without_number(top).lower(): top for top, one in meant.items() if one == split}
        if len(words) > 1:
            logger.warning(
                "%s: the folders %s are read as one split, %s; rename one of them if they are not",
                place,
                ", ".join(sorted(words.values())),
                split,
            )


def meanings(folders: Sequence[str]) -> dict[str, Split | None]:
    """The split that each of some folders means; a text that begins or ends all of them does not count."""
    plain = {folder: split_of(folder) or split_of(without_number(folder)) for folder in folders}
    if any(plain.values()) or len(folders) < 2:
        return plain
    tokens = [folder.replace("-", "_").split("_") for folder in folders]
    before = _common([one[:-1] for one in tokens])
    after = _common([one[before + 1 :][::-1] for one in tokens])
    return {
        folder: split_of("_".join(one[before : len(one) - after])) for folder, one in zip(folders, tokens, strict=True)
    }


def _mentioned(folder: str) -> Split | None:
    """The first word of a name that is a split."""
    return next((split for word in re.split(r"[\s_.-]+", folder) if (split := split_of(word))), None)


def _common(lists: Sequence[Sequence[str]]) -> int:
    """How many first elements all of them share."""
    shared = 0
    for together in zip(*lists, strict=False):
        if len(set(together)) > 1:
            break
        shared += 1
    return shared


def _class_first(names: Sequence[str], root: str) -> Arrangement | None:
    """``cat/train``, ``cat/test``, ``dog/train``, …: below every class the same splits."""
    placed = []
    for name in names:
        folders = relative(name, root)[:-1]
        split = split_of(folders[1]) if len(folders) > 1 else None
        if split is None:
            return None
        placed.append(Placed(name, split, root, (folders[0], *folders[2:])))
    return Arrangement(placed)


def _without_idle_folders(found: Arrangement, empty: Callable[[str], bool], *, join_parts: bool) -> Arrangement:
    """Skip folders between a split and its classes: one that all pictures are in, and, if wanted, parts of the set.

    One beside an empty folder stays: the other may be a class that got lost.
    """
    placed, parts = found.placed, list(found.parts)
    while any(one.below for one in placed):
        firsts: dict[Split, set[str]] = defaultdict(set)
        for one in placed:
            firsts[one.split].add(one.below[0] if one.below else "")
        every = set().union(*firsts.values())
        if "" in every:
            break
        if join_parts and are_shards(every):
            parts += sorted(every)
        elif not _idle(placed, firsts) or any(map(empty, {one.root for one in placed})):
            break
        placed = _without_first(placed)
    return replace(found, placed=placed, parts=tuple(parts))


def _idle(placed: Sequence[Placed], firsts: Mapping[Split, set[str]]) -> bool:
    """Whether each split has one folder, which is the same in all, or says the split again: ``train/train``."""
    if any(len(names) > 1 for names in firsts.values()):
        return False
    return len(set().union(*firsts.values())) == 1 or all(
        one.below[0] == one.root.rpartition("/")[2] or split_of(one.below[0]) == one.split for one in placed
    )


def _without_first(placed: Sequence[Placed]) -> list[Placed]:
    return [
        replace(one, root=f"{one.root}/{one.below[0]}" if one.root else one.below[0], below=one.below[1:])
        if one.below
        else one
        for one in placed
    ]
