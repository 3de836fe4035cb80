"""Which values become black and white, and what to say where they are badly chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ganzoo.errors import DataError
from ganzoo_datasets.files.collection import Collection
from ganzoo_datasets.files.image_cache import cached_pictures
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.pixels.scaling import Range, is_narrow
from ganzoo_datasets.files.seen import Depth, Seen

RangeOption = Literal["stored", "measured"] | tuple[float, float]


def chosen_range(option: RangeOption, collection: Collection, cache: Path) -> Range | None:
    """The values that become 0 and 255 in all pictures; ``None`` = those that each file states.

    ``measured`` looks at train whatever the split, so that a value means the same in all of them.

    Raises:
        DataError: all values of train are equal.
        ResourceError: the cache cannot be written.
    """
    if option == "stored":
        return None
    if option != "measured":
        return option
    names = [item.name for item in collection.items if item.split == "train"]
    rule = Rule(size=1, channels=1, range=(0, 1), whole=True)
    found = cached_pictures(cache, collection.source, names, rule=rule, channels=1).entry.seen.found
    if not found:
        # None can be read, which is said where the pictures are decoded.
        return None
    if found[0] == found[1]:
        raise DataError(
            f"{collection.place}: data.range cannot be measured: all pixels of train are {shown(found[0])}",
            given="measured",
            allowed="pictures with different values",
            hint="--set data.range=stored",
        )
    return found[0], found[1]


def remarks(seen: Seen, rule: Rule, total: int) -> Iterator[str]:
    """What is suspicious about the shapes and the ranges of a set, each with the option that helps."""
    if rule.fit == "crop" and seen.elongated:
        yield (
            f"{seen.elongated:,} of {total:,} images are more than three times as long as wide, and only the center, "
            "less than a third, is used: --set data.fit=pad or --set data.fit=stretch keeps all of each"
        )
    if len(seen.depths) > 1:
        yield (
            "the images state different ranges of values, so equal values may be different shades: "
            + "; ".join(f"{images(depth.count)}: {kind}" for kind, depth in sorted(seen.depths.items()))
        )
    yield from _narrow_ranges(seen, rule)


CLIPPED = 64
"""A set that spans so many times ``data.range`` or more is warned of; windows of CT span an eighth and less."""


def _narrow_ranges(seen: Seen, rule: Rule) -> Iterator[str]:
    one_color = bool(seen.lowest) and seen.lowest == seen.highest
    for depth in seen.depths.values():
        lowest, highest = depth.found
        if rule.range and CLIPPED * (rule.range[1] - rule.range[0]) < highest - lowest:
            yield (
                f"the values of {images(depth.count)} are {shown(lowest)} to {shown(highest)}, far beyond data.range, "
                f"{shown(rule.range[0])} to {shown(rule.range[1])}, so nearly all are black or white: "
                "--set data.range=measured"
            )
        if lowest < highest and is_narrow((lowest, highest), (depth.range[0], depth.range[1])):
            yield _narrow(depth, rule)
            one_color = False
    if one_color:
        color = ", ".join(map(str, seen.lowest))
        yield f"all images are the same single color ({color} of 255), so there is nothing to learn from"


def _narrow(depth: Depth, rule: Rule) -> str:
    found, whole = depth.found, depth.range
    stated = "data.range" if rule.range else "the files' own range"
    few = "almost the same shade" if found[0] < whole[1] and found[1] > whole[0] else "all black or all white"
    return (
        f"the values of {images(depth.count)} are {shown(found[0])} to {shown(found[1])}, less than an eighth of "
        f"{stated}, {shown(whole[0])} to {shown(whole[1])}, so they are {few}: "
        f"--set data.range={shown(found[0])},{shown(found[1])} uses the whole range"
    )


def images(count: int) -> str:
    """How many, in words."""
    return "1 image" if count == 1 else f"{count:,} images"


def shown(value: float) -> str:
    """A value as messages and the command line have it."""
    return f"{value:.10g}"
