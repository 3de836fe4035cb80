"""What is known of opened data: the line at the start of a run, and all that ``ganzoo data`` shows."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from ganzoo.config.schema import DataConfig
from ganzoo.errors import DataError
from ganzoo.planning.choice import Choice, parse_options
from ganzoo.planning.early_log import early_log
from ganzoo.planning.opening import open_data
from ganzoo.protocols import Dataset, Survey

if TYPE_CHECKING:
    from ganzoo.planning.plan import Plan

SPLITS = ("train", "val", "test")
CHUNK_BYTES = 2**24
MOST_NAMED = 10
"""So many classes are named in one line."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What a dataset holds.

    Attributes:
        layout: how the data are kept; the dataset's name, where it does not say.
        images: items that are read.
        shape: of an item as it is read: ``(C, H, W)``, or ``(D,)`` of a vector.
        classes: class → items of it.
        splits: split → items in it, as far as they are known.
        groups: how many groups, such as patients; ``None`` without groups.
        sizes: width and height of the smallest and of the largest picture as it is kept; ``None`` for vectors.
        range: the lowest and highest value as they are read, 0 to 255; ``None`` for vectors, or if nobody looked.
        left_out: path → why it is not among the data.
        warnings: what was said while the data were opened.
    """

    layout: str
    images: int
    shape: tuple[int, ...]
    classes: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, int] = field(default_factory=dict)
    groups: int | None = None
    sizes: tuple[tuple[int, int], tuple[int, int]] | None = None
    range: tuple[int, int] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def channels(self) -> int | None:
        """1 gray, 3 RGB; ``None`` for vectors."""
        return self.shape[0] if len(self.shape) == 3 else None

    def as_json(self) -> dict[str, Any]:
        """The object of ``ganzoo data --json``."""
        return {
            "layout": self.layout,
            "images": self.images,
            "classes": dict(self.classes),
            "splits": dict(self.splits),
            "groups": self.groups,
            "channels": self.channels,
            "sizes": None if self.sizes is None else [list(size) for size in self.sizes],
            "range": None if self.range is None else list(self.range),
            "left_out": [{"path": path, "reason": reason} for path, reason in self.left_out.items()],
            "warnings": list(self.warnings),
        }

    def line(self, see: str) -> str:
        """All of it in one line; ``see`` is the command that shows the rest.

        A name that is not valid UTF-8 is escaped, since a log could not hold it.
        """
        return "; ".join(self._parts(see)).encode("utf-8", "backslashreplace").decode()

    def _parts(self, see: str) -> Iterator[str]:
        yield f"{self.images:,} {'vectors' if self.channels is None else 'images'} ({self.layout})"
        yield self._classes()
        if self.splits:
            yield "splits " + ", ".join(f"{name} {count:,}" for name, count in self.splits.items())
        if self.groups is not None:
            yield f"{self.groups:,} groups"
        yield self.read_as
        if self.left_out:
            yield f"{len(self.left_out):,} left out: {see}"

    def _classes(self) -> str:
        if not self.classes:
            return "no classes"
        if len(self.classes) > MOST_NAMED:
            fewest, most = min(self.classes.values()), max(self.classes.values())
            return f"{len(self.classes):,} classes of {fewest:,} to {most:,}"
        return f"{len(self.classes)} classes: " + ", ".join(f"{name} {n:,}" for name, n in self.classes.items())

    @property
    def read_as(self) -> str:
        """``300×200 to 1024×768, read as RGB 64×64``. Without spaces in a size: a terminal wraps at any."""
        if self.channels is None:
            return f"{self.shape[0]} numbers each"
        mode = {1: "gray", 3: "RGB"}.get(self.channels, f"{self.channels} channels")
        made = f"{mode} {self.shape[2]}×{self.shape[1]}"
        kept = dict.fromkeys(f"{width}×{height}" for width, height in self.sizes or ())
        own = f"{self.shape[2]}×{self.shape[1]}"
        return made if list(kept) in ([], [own]) else f"{' to '.join(kept)}, read as {made}"


def overview(dataset: Dataset, *, name: str, split: str) -> Overview:
    """What is known without reading any item; what the dataset's survey leaves open follows from the dataset."""
    spec, labels, groups = dataset.spec, dataset.labels, dataset.groups
    counts = [] if labels is None else labels.bincount(minlength=len(spec.classes)).tolist()
    survey = getattr(dataset, "survey", None)
    known = survey if isinstance(survey, Survey) else Survey(layout=name)
    own_size = (spec.shape[-1], spec.shape[-2]) if len(spec.shape) == 3 else None
    return Overview(
        layout=known.layout,
        images=len(dataset),
        shape=spec.shape,
        classes=dict(zip(spec.classes, counts, strict=False)),
        splits=dict(known.splits) or {split: len(dataset)},
        groups=None if groups is None else len(set(groups)),
        sizes=known.sizes or (None if own_size is None else (own_size, own_size)),
        range=known.range,
        left_out=dict(known.left_out),
    )


def of_plan(plan: Plan) -> str:
    """The line that says what a run reads."""
    data = plan.config.data
    return overview(plan.dataset, name=data.name, split=data.split).line(see_command(plan))


def see_command(plan: Plan) -> str:
    """The command that shows these data with everything left out."""
    data, chosen = plan.config.data, plan.options["data"]
    fields, values = type(chosen).model_fields, chosen.model_dump(mode="json")
    given = {
        key: values[key] for key in fields if getattr(chosen, key) != fields[key].get_default(call_default_factory=True)
    }
    if data.split != DataConfig.model_fields["split"].default:
        given["split"] = data.split
    place = given.pop("path") if data.name == "pictures" else data.name
    words = ["ganzoo", "data", str(place)]
    for key, value in sorted(given.items()):
        words += ["--set", f"data.{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join(words)


def look_at(choice: Choice) -> tuple[Dataset, Overview]:
    """Open the chosen data and look at all of them.

    Raises:
        ConfigError: options that the dataset does not take.
        DataError: the data cannot be read.
    """
    options, data = parse_options(choice), choice.config.data
    with early_log() as early:
        dataset = open_data(choice, options["data"])
        seen = overview(dataset, name=data.name, split=data.split)
        splits = seen.splits if _surveyed(dataset) else _counted(choice, options["data"], dataset)
    warnings = tuple(dict.fromkeys(early.warnings))  # several splits may say the same
    return dataset, replace(seen, splits=splits, range=seen.range or _range(dataset), warnings=warnings)


def _surveyed(dataset: Dataset) -> bool:
    survey = getattr(dataset, "survey", None)
    return isinstance(survey, Survey) and bool(survey.splits)


def _counted(choice: Choice, options: Any, dataset: Dataset) -> dict[str, int]:
    """Every usual split that the dataset has, and how many items are in it."""
    chosen, found = choice.config.data.split, {}
    for split in dict.fromkeys((*SPLITS, chosen)):
        try:
            found[split] = len(dataset) if split == chosen else len(open_data(choice, options, split=split))
        except DataError:
            continue
    return found if len(found) == 1 else {name: count for name, count in found.items() if name != "all"}


def _range(dataset: Dataset) -> tuple[int, int] | None:
    """The lowest and highest value of all images; vectors have no such range."""
    if len(dataset.spec.shape) != 3:
        return None
    length = max(1, CHUNK_BYTES // torch.Size(dataset.spec.shape).numel())
    lowest, highest = 255, 0
    for start in range(0, len(dataset), length):
        chunk = dataset.read(torch.arange(start, min(start + length, len(dataset))))
        lowest, highest = min(lowest, int(chunk.min())), max(highest, int(chunk.max()))
    return lowest, highest
