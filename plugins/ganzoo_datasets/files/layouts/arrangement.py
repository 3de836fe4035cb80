"""Which folders mean a split, which a class, and which nothing: by their names and by what lies in them.

Three readings of the folders at the top exist. They are splits (``train``, ``test``), classes (``cat``, ``dog``), or
parts of a large set (``part_1``, ``part_2``). Where names and contents do not decide, nothing is guessed: a GAN
trained on its test pictures looks fine.
"""

from __future__ import annotations

import logging
import shlex
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ganzoo.errors import DataError
from ganzoo_datasets.files.layouts.shards import are_shards, without_number
from ganzoo_datasets.files.splits import Split, domain_of, split_of

logger = logging.getLogger("ganzoo")

AUTO = "folders"
CLASSES = "class-folders"
SPLITS = "split-folders"
PARTS = "part-folders"
"""Values of ``data.layout``: what the folders at the top are."""


@dataclass(frozen=True)
class Placed:
    """One picture.

    Attributes:
        name: its path below the place.
        split: where its folders put it.
        root: the folder of its split.
        below: the folders from there to the picture; the first is its class, if there are classes.
    """

    name: str
    split: Split
    root: str
    below: tuple[str, ...]


@dataclass(frozen=True)
class Arrangement:
    """All pictures with their places.

    Attributes:
        placed: in the order of the names.
        left_out: path → why it is not among them.
        parts: folders that only divide the set, for messages.
    """

    placed: Sequence[Placed]
    left_out: Mapping[str, str] = field(default_factory=dict)
    parts: Sequence[str] = ()


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
        tops[_relative(name, root)[0]].append(name)
    flat = all(len(_relative(name, root)) == 1 for name in names)
    if flat or layout == CLASSES:
        return Arrangement(_all_in_train(names, root))
    if layout == PARTS:
        return Arrangement(_without_first(_all_in_train(names, root)), parts=tuple(tops))
    found = _by_domain(tops, root) or _by_name(place, tops, root, layout) or _class_first(names, root)
    if found is None:
        found = Arrangement(_all_in_train(names, root))
        if layout == AUTO and not are_shards(tops):
            _refuse_equal_sub_folders(place, tops, root)
    return _without_idle_folders(found, empty, join_parts=join_parts)


def _relative(name: str, root: str) -> list[str]:
    return name[len(root) + 1 if root else 0 :].split("/")


def _all_in_train(names: Sequence[str], root: str) -> list[Placed]:
    return [Placed(name, "train", root, tuple(_relative(name, root)[:-1])) for name in names]


def _by_domain(tops: Mapping[str, Sequence[str]], root: str) -> Arrangement | None:
    """``trainA``, ``trainB``, …: two domains, which are the classes A and B."""
    meant = {top: domain_of(top) for top in tops}
    if not all(meant.values()):
        return None
    placed = [
        Placed(name, found[0], root, (found[1], *_relative(name, root)[1:-1]))
        for top, names in tops.items()
        if (found := meant[top]) is not None
        for name in names
    ]
    return Arrangement(sorted(placed, key=lambda one: one.name))


def _by_name(place: Path, tops: Mapping[str, Sequence[str]], root: str, layout: str) -> Arrangement | None:
    """``train``, ``test``, …, or a common text around these: ``seg_train``, ``seg_test``."""
    meant = meanings(list(tops))
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
        _refuse_mixture(place, [top for top in tops if top not in others], others)
    placed = [
        Placed(name, split, f"{root}/{top}" if root else top, tuple(_relative(name, root)[1:-1]))
        for top, split in meant.items()
        if split is not None
        for name in tops[top]
    ]
    left_out = {name: f"{top} is not a split" for top in others for name in tops[top]}
    return Arrangement(sorted(placed, key=lambda one: one.name), left_out)


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
        folders = _relative(name, root)[:-1]
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


def _refuse_mixture(place: Path, splits: Sequence[str], others: Sequence[str]) -> None:
    shown = ", ".join(sorted(others)[:10])
    raise DataError(
        f"{place} holds {', '.join(sorted(splits))} beside {shown}: either may be splits or classes",
        given=", ".join(sorted((*splits, *others))[:20]),
        allowed="only folders that are splits, such as train, val and test, or only folders that are classes",
        hint=f"--set data.layout={SPLITS} to leave out {_quoted(others)}, or --set data.layout={CLASSES} to take all "
        "folders as classes",
    )


def _quoted(names: Sequence[str]) -> str:
    return " ".join(shlex.quote(name) for name in sorted(names)[:10])


def _refuse_equal_sub_folders(place: Path, tops: Mapping[str, Sequence[str]], root: str) -> None:
    """All folders at the top hold the same sub-folders: sites with the same classes, or classes with the same sites."""
    inner = [{tuple(_relative(name, root)[1:-1])[:1] for name in names} for names in tops.values()]
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


def wrapping(names: Sequence[str], empty: Callable[[str], bool]) -> str:
    """The folder that all pictures are in, as deep as it goes, or the empty text.

    A folder named for a split is not gone into, nor one beside an empty folder, which may be a class that got lost.
    """
    root = ""
    while names:
        tops = {_relative(name, root)[0] for name in names}
        top = min(tops)
        folders = all(len(_relative(name, root)) > 1 for name in names)
        if len(tops) > 1 or not folders or split_of(without_number(top)) or split_of(top) or domain_of(top):
            break
        if empty(root):
            break
        root = f"{root}/{top}" if root else top
    return root
