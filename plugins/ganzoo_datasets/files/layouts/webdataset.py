"""WebDataset shards: tar files in which ``key.jpg`` and ``key.cls`` belong together.

The key ends at the first dot of the base name; what follows names the field. ``cls`` holds the class, or ``json`` an
object with it. Captions and other fields are not read.
"""

from __future__ import annotations

import json
import logging
import shlex
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection, PictureItem
from ganzoo_datasets.files.exclusion import REASON, KeptFiles, kept
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.pixels.reader import is_picture
from ganzoo_datasets.files.sources.archive import GZIPPED, TAR
from ganzoo_datasets.files.sources.files import Files, FileSource
from ganzoo_datasets.files.sources.joined import JoinedFiles
from ganzoo_datasets.files.splits import Split, split_of

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

NAME = "webdataset"
LABELS = ("label", "cls", "class", "class_name", "class_id", "target")
"""Keys of a ``json`` field that hold the class; the first one present is used."""

LONGEST = 2**20
"""Bytes of a field that are read."""


@dataclass
class _Sample:
    """One picture and its other fields: field → file."""

    picture: str
    fields: dict[str, str] = field(default_factory=dict)


def find(place: Place, options: Pictures) -> Collection | None:
    """The pictures of one shard, of a folder of shards, or of ``shard-{000..009}.tar``.

    Raises:
        DataError: a sample has several pictures, or only some have a class, or shards are of no split.
    """
    if place.files is None:
        return None
    files = _shards(place, place.files, options)
    several = files is not None
    files = files or place.files
    if not several and options.layout != NAME and not _tells_classes(place, files):
        return None
    samples, left_out = _samples(place.path, files.names)
    if not samples:
        return None
    labels = _labels(place.path, files, samples) if options.classes != "none" else {}
    if several and not labels and options.classes != "none":
        _check_unlabeled(place.path, samples)
    splits = _splits(place.path, samples) if several else {}
    excluded = files.excluded if isinstance(files, KeptFiles) else ()
    if left_out:
        logger.warning(
            "%s pictures are further fields of a sample and are left out%s",
            f"{len(left_out):,}",
            listed(left_out, len(left_out)),
        )
    items = [
        PictureItem(name=sample.picture, label=labels.get(key, ""), split=splits.get(_shard(sample.picture), "train"))
        for key, sample in samples.items()
    ]
    return Collection(
        layout=NAME,
        place=place.path,
        source=FileSource(files),
        items=tuple(sorted(items, key=lambda item: item.name)),
        left_out={**dict.fromkeys(left_out, "another field of a sample"), **dict.fromkeys(excluded, REASON)},
    )


def _shards(place: Place, files: Files, options: Pictures) -> Files | None:
    """The content of shards in a folder that holds no other pictures, or of those that a pattern names."""
    if isinstance(files.files if isinstance(files, KeptFiles) else files, JoinedFiles):
        return files
    tars = [name for name in files.names if name.lower().endswith((*TAR, *GZIPPED))]
    if not place.path.is_dir() or not tars or any(map(is_picture, files.names)):
        return None
    joined = JoinedFiles(place.path, [place.path / name for name in tars], below=place.path)
    return kept(joined, options.exclude or ())


def _tells_classes(place: Place, files: Files) -> bool:
    """Whether pictures have a field ``cls``, or, in an archive, ``json`` with a class."""
    pictures = {_key(name) for name in files.names if is_picture(name)}
    fields = [name for name in files.names if name.endswith((".cls", ".json")) and _key(name) in pictures]
    if any(name.endswith(".cls") for name in fields):
        return True
    return not place.path.is_dir() and any(not set(LABELS).isdisjoint(_object(files, name)) for name in fields)


def _key(name: str) -> str:
    folder, slash, base = name.rpartition("/")
    return folder + slash + base.partition(".")[0]


def _samples(place: Path, names: Sequence[str]) -> tuple[dict[str, _Sample], list[str]]:
    """Key → sample, and the pictures that are no sample's picture."""
    fields: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        key = _key(name)
        fields[key][name[len(key) + 1 :]] = name
    samples, left_out, doubtful = {}, [], []
    for key, found in fields.items():
        pictures = {ending: name for ending, name in found.items() if is_picture(name)}
        plain = [ending for ending in pictures if "." not in ending] or list(pictures)
        if len(plain) > 1:
            doubtful.append(f"{key}: {', '.join(plain)}")
        elif plain:
            samples[key] = _Sample(pictures[plain[0]], found)
            left_out += [name for ending, name in pictures.items() if ending != plain[0]]
    if doubtful:
        raise DataError(
            f"{place}: {len(doubtful):,} samples have several pictures{listed(doubtful, len(doubtful))}",
            allowed="one picture for each key, which ends at the first dot of the file's name",
            hint="--set data.exclude=PATTERN to leave out the others, such as *.target.png",
        )
    return samples, left_out


def _labels(place: Path, files: Files, samples: Mapping[str, _Sample]) -> dict[str, str]:
    """Key → class; empty if no sample has one."""
    counts = Counter(ending for sample in samples.values() for ending in sample.fields if ending in ("cls", "json"))
    if counts["cls"]:
        labels = {key: _text(files, sample.fields.get("cls")) for key, sample in samples.items()}
    else:
        objects = {key: _object(files, sample.fields.get("json")) for key, sample in samples.items()}
        chosen = next((name for name in LABELS if any(name in found for found in objects.values())), "")
        labels = {key: _class(place, key, found.get(chosen)) for key, found in objects.items()}
    without = [samples[key].picture for key, label in labels.items() if not label]
    if not without or len(without) == len(labels):
        return {} if without else labels
    raise DataError(
        f"{place}: {len(without):,} of {len(labels):,} samples have no class{listed(without, len(without))}",
        allowed="a field cls, or json with the class, for every picture or for none",
        hint="--set data.classes=none to read them without classes",
    )


def _class(place: Path, key: str, value: object) -> str:
    if isinstance(value, list | dict):
        raise DataError(
            f"{place}: the class of {key} is not a single one",
            given=json.dumps(value)[:100],
            allowed="a number or a text",
            hint="--set data.classes=none to read the pictures without classes",
        )
    return "" if value is None else str(value).strip()


def _text(files: Files, name: str | None) -> str:
    if name is None:
        return ""
    try:
        with files.open(name) as file:
            return file.read(LONGEST).decode("utf-8").strip()
    except (UnicodeDecodeError, UnreadablePicture, OSError) as error:
        raise DataError(
            f"{files.place}: {name} cannot be read: {error}",
            allowed="UTF-8 text",
            hint="--set data.classes=none to read the pictures without classes",
        ) from error


def _object(files: Files, name: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(_text(files, name) or "null")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _check_unlabeled(place: Path, samples: Mapping[str, _Sample]) -> None:
    """Archives of class folders are no shards: their folders would be lost."""
    pictures = [sample.picture for sample in samples.values()]
    deeper = [name for name in pictures if "/" in name[len(_shard(name)) + 1 :]]
    if deeper:
        archive = shlex.quote(str((place if place.is_dir() else place.parent) / _shard(deeper[0])))
        raise DataError(
            f"{place}: an archive there holds folders of pictures, and must be given itself",
            given=deeper[0],
            allowed="an archive of class folders, or a folder of shards with a field cls or json for each picture",
            hint=f"ganzoo run --data {archive}, or --set data.classes=none to read all without classes",
        )
    logger.warning("%s: no sample has a field cls, or json with a class: the pictures have no classes", place)


def _shard(name: str) -> str:
    """The archive of a member of several."""
    parts = name.split("/")
    last = next((number for number, part in enumerate(parts) if part.lower().endswith((*TAR, *GZIPPED))), 0)
    return "/".join(parts[: last + 1])


def _splits(place: Path, samples: Mapping[str, _Sample]) -> dict[str, Split]:
    """Shard → split, by a word in its path: ``imagenet-val-000001.tar``."""
    meant = {shard: _split(shard) for shard in {_shard(sample.picture) for sample in samples.values()}}
    without = sorted(shard for shard, split in meant.items() if split is None)
    if without and len(without) < len(meant):
        raise DataError(
            f"{place}: some shards are named for a split and others are not{listed(without, len(without))}",
            allowed="train, val or test in every name, or in none",
            hint="move the others away, or name the shards: --data 'FOLDER/train-{000..009}.tar'",
        )
    return {shard: split for shard, split in meant.items() if split is not None}


def _split(shard: str) -> Split | None:
    words = shard.lower().removesuffix(".gz").replace("/", "-").replace("_", "-").replace(".", "-").split("-")
    return next((split for word in words if (split := split_of(word.rstrip("0123456789"))) is not None), None)
