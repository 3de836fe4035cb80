"""The pictures of one split → a dataset: decode or map them, and report what was left out."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import Survey
from ganzoo_datasets.files.choosing import Chosen
from ganzoo_datasets.files.collection import SPLITS, Collection
from ganzoo_datasets.files.decoding import typical_size
from ganzoo_datasets.files.image_cache import CachedPictures, cached_pictures
from ganzoo_datasets.files.listing import listed
from ganzoo_datasets.files.pixels import reader
from ganzoo_datasets.files.pixels.picture import NO_RANGE, Rule
from ganzoo_datasets.files.ranges import chosen_range, remarks
from ganzoo_datasets.files.seen import Seen
from ganzoo_datasets.image_array import ImageArray

if TYPE_CHECKING:
    from ganzoo_datasets.pictures import Pictures

logger = logging.getLogger("ganzoo")


def check_pixels(image_size: int | None, channels: int | None) -> None:
    """Refuse a size or a number of channels that no picture can have.

    Raises:
        ConfigError: channels other than 1 and 3, or a size below 1.
    """
    if channels not in (None, 1, 3) or (image_size is not None and image_size < 1):
        raise ConfigError(
            "images cannot be read with this size or number of channels",
            given=f"image_size {image_size}, channels {channels}",
            allowed="image_size of at least 1, channels 1 or 3",
            hint="--image-size 64 --set data.channels=3",
        )


def open_pictures(
    collection: Collection,
    chosen: Chosen,
    options: Pictures,
    *,
    image_size: int | None,
    channels: int | None,
    cache: Path,
) -> ImageArray:
    """Decode the pictures, or map what an earlier run decoded.

    Raises:
        DataError: pictures cannot be read (``on_error: stop``), or no picture is left, or none of a class.
        ResourceError: the cache cannot be written.
    """
    source, names = collection.source, [item.name for item in chosen.items]
    rule = Rule(
        size=image_size or (native_size(collection, names) if collection.native else typical_size(source, names)),
        channels=channels or 3,
        fit=options.fit,
        range=chosen_range(options.range, collection, cache),
    )
    found = cached_pictures(cache, source, names, rule=rule, channels=channels)
    unreadable = found.entry.unreadable
    if unreadable and (options.on_error == "stop" or len(unreadable) == len(names)):
        raise _unreadable_error(collection, chosen, found)
    _note(chosen, found, rule)
    kept = [row for row, name in enumerate(names) if name not in unreadable]
    all_labels, all_groups = chosen.labels, chosen.groups
    labels = [all_labels[row] for row in kept] if chosen.classes else []
    _check_classes_left(chosen, labels)
    groups = None if all_groups is None else [all_groups[row] for row in kept]
    return ImageArray(
        found.pixels,
        digest=found.entry.digest,
        classes=chosen.classes,
        labels=labels,
        groups=groups,
        survey=_survey(collection, found.entry.seen, unreadable),
    )


def native_size(collection: Collection, names: Sequence[str]) -> int:
    """The shorter side of pictures that all have one size.

    Raises:
        DataError: they have several sizes.
    """
    sizes = {size for name in names if (size := collection.source.size(name)) is not None}
    if len(sizes) > 1:
        raise DataError(
            f"{collection.place}: the pictures have several sizes, so no size is the native one",
            given=", ".join(f"{width}×{height}" for width, height in sorted(sizes)),
            allowed="a size for all of them, or a split whose pictures have one size",
            hint="--image-size 32",
        )
    return min(sizes.pop())


def _survey(collection: Collection, seen: Seen, unreadable: Mapping[str, str]) -> Survey:
    counts = Counter(item.split for item in collection.items if item.name not in unreadable)
    return Survey(
        layout=collection.layout,
        splits={name: counts[name] for name in SPLITS if counts[name]},
        sizes=((seen.smallest[0], seen.smallest[1]), (seen.largest[0], seen.largest[1])),
        range=(min(seen.lowest), max(seen.highest)),
        left_out={**collection.left_out, **unreadable},
    )


def _unreadable_error(collection: Collection, chosen: Chosen, found: CachedPictures) -> DataError:
    unreadable = found.entry.unreadable
    names = listed(_reasons(chosen, unreadable), len(unreadable), found.folder)
    readable = len(found.pixels) > 0
    return DataError(
        f"{collection.place}: {len(unreadable):,} of {len(unreadable) + len(found.pixels):,} images cannot be read"
        f"{names}",
        hint=_way_out(set(unreadable.values()), readable=readable),
    )


def _way_out(reasons: set[str], *, readable: bool) -> str:
    for install in reader.INSTALLS:
        if any(install in reason for reason in reasons):
            return install
    if all(NO_RANGE in reason for reason in reasons):
        return "--set data.range=measured takes the lowest and the highest value of the training set"
    if readable:
        return "repair or remove them, or leave them out with --set data.on_error=skip"
    return "none is left: use another folder with --data PATH"


def _note(chosen: Chosen, found: CachedPictures, rule: Rule) -> None:
    """Report what was done to the data, in every run."""
    entry, total = found.entry, f"{len(chosen.items):,}"
    for depth in entry.seen.depths.values():
        if rule.range is None and depth.range in ([0, 1], [-1, 1]):
            logger.info("read as values from %g (black) to %g (white)", *depth.range)
    if entry.unreadable:
        lines = listed(_reasons(chosen, entry.unreadable), len(entry.unreadable), found.folder)
        logger.warning("%s of %s images cannot be read and are left out%s", f"{len(entry.unreadable):,}", total, lines)
    shown = _shown(chosen)
    for note, names in entry.seen.notes.items():
        lines = listed((shown[name] for name in names), len(names))
        logger.warning("%s of %s images %s%s", f"{len(names):,}", total, note, lines)
    for remark in remarks(entry.seen, rule, len(found.pixels)):
        logger.warning("%s", remark)


def _shown(chosen: Chosen) -> dict[str, str]:
    return {item.name: item.shown for item in chosen.items}


def _reasons(chosen: Chosen, unreadable: Mapping[str, str]) -> Iterator[str]:
    shown = _shown(chosen)
    return (f"{shown[name]}: {reason}" for name, reason in unreadable.items())


def _check_classes_left(chosen: Chosen, labels: Sequence[int]) -> None:
    gone = set(chosen.labels) - set(labels)
    lost = [name for number, name in enumerate(chosen.classes) if number in gone]
    if lost:
        raise DataError(
            f"no image is left of class {', '.join(lost)}", hint="remove the class, or give it readable images"
        )
