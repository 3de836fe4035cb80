"""Masks, thumbnails and the like that lie among pictures and bear their names.

What is certain is left out, with a warning that says how to keep it: whoever has a segmentation mask beside each
picture does not want a GAN that draws masks half of the time, and notices it only after days. Certain means both a
picture of that name and a word that nobody gives to an ordinary picture: ``a_mask.png`` beside ``a.jpg``, or a folder
``masks`` whose names are those of the pictures around it. Where only the names tell (``a_left.png`` beside ``a.png``,
or ``a.png`` beside ``a.jpg``) the pictures may as well be wanted: they are kept, with a warning that says how to leave
them out.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ganzoo_datasets.files.listing import listed

logger = logging.getLogger("ganzoo")

WORDS = frozenset(
    (
        *("mask", "segmentation", "seg", "segmap", "labelmap", "superpixel", "gt", "groundtruth", "annotation"),
        *("ann", "anno", "label", "lbl", "manual", "target"),
        *("matte", "trimap", "thumb", "thumbnail", "preview", "overlay", "heatmap"),
    )
)
"""What is not a picture of its own, where a picture of the same name exists; an ``s`` may follow."""

THUMBNAIL_FOLDERS = frozenset(("@eadir",))
"""Folders that storage devices fill; nobody puts pictures there."""

SHARE = 0.95
"""Of the names in a folder of masks that pictures around it must bear, too."""

DOUBTFUL_SHARE = 0.1
"""Of all pictures that must bear another one's name plus the same suffix before it is worth a warning."""

NEGATIONS = frozenset(("no", "with", "without"))
"""A folder ``no_mask`` says that masks are what the classes are about."""

_SEPARATOR = re.compile(r"[ _.\-(]")
_BETWEEN = re.compile(r"[\s_.\-()]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GROUND_TRUTH = re.compile(r"ground[\s_.-]+truth")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, kw_only=True)
class Companions:
    """Pictures that bear the name of another one.

    Attributes:
        certain: path → why it does not count.
        doubtful: suffix, such as ``_left`` → pictures named like another one plus it.
        twins: pictures named like another one but for the ending.
        apart: pictures in folders named for masks, with names of their own.
    """

    certain: Mapping[str, str]
    doubtful: Mapping[str, Sequence[str]]
    twins: Sequence[str]
    apart: Sequence[str]


def find_companions(names: Sequence[str]) -> Companions:
    """Which of the pictures bear the name of another one."""
    folders = {folder: not THUMBNAIL_FOLDERS.isdisjoint(folder.lower().split("/")) for folder in map(_folder, names)}
    certain = {name: "a thumbnail that a device made" for name in names if folders[_folder(name)]}
    inside, apart = _in_mask_folders([name for name in names if name not in certain])
    certain |= inside
    stems: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if name not in certain:
            stems[os.path.splitext(name)[0]].append(name)
    doubtful: dict[str, list[str]] = defaultdict(list)
    for stem, same in stems.items():
        suffixes = _suffixes(stem, stems)
        if said := next((suffix for suffix in suffixes if _words(suffix) & WORDS), None):
            certain |= dict.fromkeys(same, f"the name of another picture plus {said}")
        elif suffixes and _LETTER.search(suffixes[0]):
            doubtful[re.sub(r"\d+", "", suffixes[0])] += same
    twins = [name for same in stems.values() for name in same[1:] if name not in certain]
    least = max(2, DOUBTFUL_SHARE * len(names))
    many = {suffix: found for suffix, found in doubtful.items() if len(found) >= least}
    return Companions(certain=certain, doubtful=many, twins=twins if len(twins) >= least else (), apart=apart)


def report_companions(found: Companions, *, kept: bool) -> None:
    """Warn of what is left out, or kept because ``data.exclude`` is given, and of what is doubtful."""
    # One line, since every run says it; ganzoo data lists what is left out.
    some = "; ".join(f"{name}: {reason}" for name, reason in list(found.certain.items())[:1])
    if found.certain and kept:
        logger.warning("%s masks or thumbnails are kept, as data.exclude asks (%s)", f"{len(found.certain):,}", some)
    elif found.certain:
        logger.warning(
            "%s masks or thumbnails are left out (%s, …): ganzoo data lists them, --set data.exclude=[] keeps them",
            f"{len(found.certain):,}",
            some,
        )
    for suffix, names in found.doubtful.items():
        _warn_of_doubt(names, f"bear the name of another one plus {suffix}", f"*{suffix}*")
    if found.twins:
        endings = sorted({os.path.splitext(name)[1] for name in found.twins})
        _warn_of_doubt(
            found.twins, "bear the name of another one with another ending", ",".join(f"*{one}" for one in endings)
        )
    if found.apart:
        folders = sorted({os.path.basename(_mask_folder(_folder(name)) or "") for name in found.apart})
        _warn_of_doubt(found.apart, f"are in folders named {', '.join(folders)}", ",".join(folders))


def _warn_of_doubt(names: Sequence[str], how: str, pattern: str) -> None:
    logger.warning(
        "%s pictures %s, and count as pictures of their own; if they are masks or copies, leave them out with "
        "--set data.exclude=%s%s",
        f"{len(names):,}",
        how,
        shlex.quote(pattern),
        listed(names[:3], min(3, len(names))),
    )


def _words(text: str) -> set[str]:
    # gtFine and SegmentationClass are two words each, and Ground Truth is one; manual1 and mask2 are counted.
    plain = _GROUND_TRUTH.sub("groundtruth", _CAMEL.sub(" ", text).lower())
    return {word.rstrip("0123456789").removesuffix("s") for word in _BETWEEN.split(plain)}


def _suffixes(stem: str, stems: Collection[str]) -> list[str]:
    """What a name has beyond other names that it begins with, up to a separator; the shortest first."""
    ends = (found.start() for found in _SEPARATOR.finditer(stem, stem.rfind("/") + 2))
    return [stem[end:] for end in ends if stem[:end] in stems][::-1]


def _in_mask_folders(names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Pictures in folders named for masks: those with names of pictures around the folder, and the others."""
    inside_all = os.path.commonpath([f"/{_folder(name)}" for name in names])[1:] if names else ""
    # A folder around everything, such as Kvasir-SEG, says nothing of any picture.
    homes = {folder: _mask_folder(folder, inside_all) for folder in set(map(_folder, names))}
    folders: dict[str, list[str]] = defaultdict(list)
    around: list[str] = []
    for name in names:
        home = homes[_folder(name)]
        (around if home is None else folders[home]).append(name)
    if not around or any(_words(part) & NEGATIONS for folder in folders for part in folder.split("/")):
        return {}, []
    stems = {os.path.dirname(folder): set[str]() for folder in folders}
    for name in around:
        for above in _above(name):
            if above in stems:
                stems[above].add(_stem(name))
    known = [
        folder for folder, inside in folders.items() if _share_known(inside, stems[os.path.dirname(folder)]) >= SHARE
    ]
    certain = {
        name: f"the name of another picture, in the folder {os.path.basename(folder)}"
        for folder in known
        for name in folders[folder]
    }
    return certain, [name for folder, inside in folders.items() if folder not in known for name in inside]


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _mask_folder(folder: str, outside: str = "") -> str | None:
    """The folder itself or the first one above it, within the outside one, that is named for masks."""
    return next(
        (
            above
            for above in _above(f"{folder}/")
            if len(above) > len(outside) and _words(os.path.basename(above)) & WORDS
        ),
        None,
    )


def _above(name: str) -> Iterator[str]:
    """The folders of a file, from the top, which is the empty text."""
    yield ""
    yield from (name[:end] for end, letter in enumerate(name) if letter == "/")


def _stem(name: str) -> str:
    return os.path.splitext(os.path.basename(name))[0]


def _share_known(names: Sequence[str], stems: Collection[str]) -> float:
    heads = {_SEPARATOR.split(stem)[0] for stem in stems}
    # 21_manual1 beside 21_training: what the names share tells only where it tells the pictures apart.
    return sum(map(partial(_known, stems, heads if len(heads) == len(stems) else ()), map(_stem, names))) / len(names)


def _known(stems: Collection[str], heads: Collection[str], stem: str) -> bool:
    if stem in stems or any(_words(suffix) & WORDS for suffix in _suffixes(stem, stems)):
        return True
    head = _SEPARATOR.split(stem)[0]
    return head in heads and bool(_words(stem[len(head) :]) & WORDS)
