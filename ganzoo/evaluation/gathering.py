"""Pictures as metrics want them: looked at once by every extractor, kept only where a metric needs the pixels."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganzoo.errors import PluginError, ResourceError
from ganzoo.evaluation.remembering import Remembered, demand_room
from ganzoo.files import whole_file
from ganzoo.protocols import Dataset, Extracted, Extractor, FeatureFacts, Features

logger = logging.getLogger("ganzoo")

CHUNK = 256
"""Real pictures are read so many at once."""

Chunks = Iterable[tuple[Tensor, Tensor | None]]
"""Pictures or vectors as a dataset holds them, and their labels."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Some pictures and what the extractors saw in them.

    Attributes:
        count: how many there are.
        images: the pictures or vectors themselves, if they were asked for.
        labels: (N,), if they have any.
        seen: extractor → features of all pictures.
        found: extractor and number of pictures → what was found out about features of so many of them.
    """

    count: int
    images: Tensor | None = None
    labels: Tensor | None = None
    seen: Mapping[str, Extracted] = field(default_factory=dict)
    found: dict[tuple[str, int], MutableMapping[str, Tensor]] = field(default_factory=dict)

    def features(self, extractor: str | None, *, images: bool = True) -> Features:
        """What a metric gets to see through one extractor."""
        pictures = Features(images=self.images if images else None, labels=self.labels)
        if extractor is None or extractor not in self.seen:
            return pictures
        seen, found = self.seen[extractor], self.found.setdefault((extractor, self.count), {})
        return replace(
            pictures,
            features=seen.features,
            class_probs=seen.class_probs,
            facts=FeatureFacts(of=seen.features, found=found),
        )

    def content(self) -> str:
        """A hash of all that is in it, by which a change is noticed however it was made."""
        seen = [tensor for one in self.seen.values() for tensor in (one.features, one.class_probs)]
        parts = [tensor for tensor in (self.images, self.labels, *seen) if tensor is not None]
        return " ".join(FeatureFacts(of=part, found={}).digest for part in parts)

    def first(self, count: int) -> Gathered:
        """The first of them."""
        if count >= self.count:
            return self

        def cut(whole: Tensor | None) -> Tensor | None:
            return None if whole is None else whole[:count]

        seen = {
            name: Extracted(features=one.features[:count], class_probs=cut(one.class_probs))
            for name, one in self.seen.items()
        }
        return replace(self, count=count, images=cut(self.images), labels=cut(self.labels), seen=seen)


class _Rows:
    """Rows that come some at a time, in one tensor from the start: joined at the end, all would be there twice."""

    def __init__(self, expected: int) -> None:
        self._expected, self._count = expected, 0
        self._room: Tensor | None = None

    def add(self, part: Tensor | None) -> None:
        if part is None:
            return
        if self._room is None:
            self._room = part.new_empty(self._expected, *part.shape[1:])
        if (more := self._count + len(part) - len(self._room)) > 0:
            self._room = torch.cat([self._room, self._room.new_empty(more, *part.shape[1:])])
        self._room[self._count : self._count + len(part)] = part
        self._count += len(part)

    def found(self) -> Tensor | None:
        """All that came; ``None`` if nothing did."""
        return None if self._room is None else self._room[: self._count]


def gather(chunks: Chunks, extractors: Mapping[str, Extractor], *, images: bool, expected: int) -> Gathered:
    """Look at pictures chunk by chunk, so that they need not be in memory together unless ``images`` are kept.

    There is room for as many as are ``expected``, and more is made where more come.
    """
    kept, labels = _Rows(expected), _Rows(expected)
    features, probabilities = ({name: _Rows(expected) for name in extractors} for _ in range(2))
    count = 0
    for part, chosen in chunks:
        count += len(part)
        kept.add(part if images else None)
        labels.add(chosen)
        for name, extractor in extractors.items():
            seen = _looked(name, extractor, part)
            features[name].add(seen.features)
            probabilities[name].add(seen.class_probs)
    return Gathered(
        count=count,
        images=kept.found(),
        labels=labels.found(),
        seen={
            name: Extracted(features=found, class_probs=probabilities[name].found())
            for name, rows in features.items()
            if (found := rows.found()) is not None
        },
    )


def _looked(name: str, extractor: Extractor, part: Tensor) -> Extracted:
    seen = extractor(part)
    if seen.features.shape != (len(part), extractor.size):
        raise PluginError(
            f"extractor {name} does not give a row of features for each picture",
            given=f"{tuple(seen.features.shape)} for {len(part)} pictures",
            allowed=f"({len(part)}, {extractor.size})",
            hint=f"ganzoo check {name}",
        )
    return seen


def gather_real(
    dataset: Dataset,
    index: Tensor,
    extractors: Mapping[str, Extractor],
    *,
    images: bool,
    cache: Path,
    remembered: Remembered | None = None,
) -> Gathered:
    """Real pictures at ``index``; what extractors see in them is kept below ``cache`` and read from there again.

    Pictures that are asked for are ``remembered``. Raises :class:`ResourceError` if they do not fit into memory.
    """
    found = {name: _read(kept_at(cache, dataset, index, one), len(index), one) for name, one in extractors.items()}
    seen = {name: one for name, one in found.items() if one is not None}
    missing = {name: one for name, one in extractors.items() if name not in seen}
    labels = None if dataset.labels is None else dataset.labels[index]
    if not missing and not images:
        return Gathered(count=len(index), labels=labels, seen=seen)
    if images:
        demand_room(dataset, len(index))
    chunks = chunks_of(dataset, index, remembered=remembered if images else None)
    fresh = gather(chunks, missing, images=images, expected=len(index))
    for name, extractor in missing.items():
        _write(kept_at(cache, dataset, index, extractor), fresh.seen[name])
    return replace(fresh, seen={name: seen.get(name) or fresh.seen[name] for name in extractors})


def chunks_of(
    dataset: Dataset, index: Tensor, *, remembered: Remembered | None = None
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Real pictures and their labels, some at a time."""
    for part in torch.split(index, CHUNK):
        read = dataset.read(part) if remembered is None else remembered.read(dataset, part)
        yield read, None if dataset.labels is None else dataset.labels[part]


def kept_at(cache: Path, dataset: Dataset, index: Tensor, extractor: Extractor) -> Path:
    """The file that holds what an extractor saw in the data at ``index``, once it has looked at them."""
    what = [dataset.fingerprint, extractor.digest, hashlib.sha256(index.numpy().tobytes()).hexdigest()]
    return cache / "features" / f"{hashlib.sha256(' '.join(what).encode()).hexdigest()[:40]}.safetensors"


def _read(path: Path, count: int, extractor: Extractor) -> Extracted | None:
    """What was kept, if it is whole: a damaged file is made again."""
    try:
        kept = load_file(path)
        features, probabilities = kept["features"], kept.get("class_probs")
    except (OSError, SafetensorError, KeyError):
        return None
    return (
        None if features.shape != (count, extractor.size) else Extracted(features=features, class_probs=probabilities)
    )


def _write(path: Path, seen: Extracted) -> None:
    """Keep them for next time; where they cannot be written, they are there for this time."""
    parts = {"features": seen.features, "class_probs": seen.class_probs}
    try:
        with whole_file(path, place="GANZOO_CACHE") as beside:
            save_file({name: part.contiguous() for name, part in parts.items() if part is not None}, beside)
    except ResourceError as error:
        logger.warning("features of real pictures are not kept for next time: %s", error)
