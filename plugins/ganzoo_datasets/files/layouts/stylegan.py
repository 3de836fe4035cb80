"""StyleGAN's folders: pictures below ``00000/`` and so on, and ``dataset.json`` with the class of each."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection, PictureItem
from ganzoo_datasets.files.layouts.layout import Place
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.pixels.reader import is_picture
from ganzoo_datasets.files.sources.files import Files, FileSource

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")

NAME = "dataset.json"
FORM = '{"labels": [["00000/img00000000.png", 6], …]}, or {"labels": null}'


def find(place: Place, options: Pictures) -> Collection | None:
    """The pictures below ``dataset.json``, with its labels.

    Raises:
        DataError: it is not of StyleGAN's form, or names pictures that are missing.
    """
    if place.files is None:
        return None
    below = _folder_of_json(place.files)
    content = None if below is None else _content(place.path, place.files, below + NAME)
    if below is None:
        return None
    if not isinstance(content, dict) or "labels" not in content:
        if content is not None:
            logger.warning("%s has no 'labels' and is not read", place.path / below / NAME)
        return None
    pictures = [name for name in place.files.names if name.startswith(below) and is_picture(name)]
    labels = _labels(place.path / below / NAME, content["labels"])
    if labels is None:
        items, left_out = [PictureItem(name=name) for name in pictures], {}
    else:
        labels = {below + name: label for name, label in labels.items()}
        items = _labeled(place.path / below / NAME, pictures, labels, skip_missing=options.on_error == "skip")
        left_out = _tell_unlisted(place.path, [name for name in pictures if name not in labels], len(pictures))
    return Collection(
        layout="stylegan", place=place.path, source=FileSource(place.files), items=tuple(items), left_out=left_out
    )


def _folder_of_json(files: Files) -> str | None:
    """The folder of ``dataset.json``, with a ``/``: the top, or the only one below it that has the file."""
    found = [name.removesuffix(NAME) for name in files.names if name == NAME or name.endswith(f"/{NAME}")]
    shallow = [below for below in found if below.count("/") <= 1]
    return "" if "" in shallow else shallow[0] if len(shallow) == 1 else None


def _content(place: Path, files: Files, name: str) -> object:
    try:
        with files.open(name) as file:
            return json.loads(file.read().decode("utf-8-sig"))
    except (OSError, UnreadablePicture) as error:
        raise DataError(f"cannot read {place / name}: {error}", hint="repair or remove it") from error
    except (ValueError, RecursionError):
        logger.warning("%s is not JSON and is not read: the classes that it may state are missing", place / name)
        return None


def _labels(path: Path, given: object) -> dict[str, str] | None:
    """Name → class, or ``None`` where the set has no classes."""
    if not given:
        return None
    pairs = list(given.items()) if isinstance(given, dict) else given
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise _wrong(path, json.dumps(given)[:80])
    found = {str(name).replace("\\", "/"): _class(label) for name, label in pairs}
    if strange := [f"{name}: {json.dumps(label)[:80]}" for name, label in pairs if _class(label) is None]:
        raise _wrong(path, f"{len(strange):,} labels of another kind{listed(strange, len(strange))}")
    if len(found) < len(pairs):
        raise _wrong(path, f"{len(pairs) - len(found):,} pictures that are listed twice")
    return {name: label for name, label in found.items() if label is not None}


def _class(label: object) -> str | None:
    """A number, or the place of the only 1 in a vector; ``None`` for other labels, such as angles of a camera."""
    if isinstance(label, int) and not isinstance(label, bool) and label >= 0:
        return str(label)
    if isinstance(label, list) and len(label) > 1 and label.count(1) == 1 and label.count(0) == len(label) - 1:
        return str(label.index(1))
    return None


def _labeled(path: Path, pictures: list[str], labels: dict[str, str], *, skip_missing: bool) -> list[PictureItem]:
    there = set(pictures)
    missing = [name for name in labels if name not in there]
    if missing and (not skip_missing or len(missing) == len(labels)):
        raise DataError(
            f"{path}: {len(missing):,} of {len(labels):,} pictures are missing{listed(missing, len(missing))}",
            allowed="paths of pictures below the folder of this file",
            hint="put them there, or leave them out with --set data.on_error=skip",
        )
    return [PictureItem(name=name, label=label) for name, label in sorted(labels.items())]


def _tell_unlisted(place: Path, unlisted: list[str], total: int) -> dict[str, str]:
    if unlisted:
        logger.warning(
            "%s: %s of %s pictures have no label in %s and are left out%s",
            place,
            f"{len(unlisted):,}",
            f"{total:,}",
            NAME,
            listed(unlisted, len(unlisted)),
        )
    return dict.fromkeys(unlisted, f"no label in {NAME}")


def _wrong(path: Path, given: str) -> DataError:
    return DataError(
        f"{path} does not hold one class per picture",
        given=given,
        allowed=FORM,
        hint="train without classes: --set data.layout=folders --set data.classes=none",
    )
