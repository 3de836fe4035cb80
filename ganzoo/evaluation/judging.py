"""Metrics on generated data: each number with its floor, its record and what to bear in mind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

from ganzoo.errors import ConfigError
from ganzoo.evaluation.gathering import Chunks, Gathered, gather
from ganzoo.evaluation.reference import RealData
from ganzoo.evaluation.value import Better, Record, Value
from ganzoo.protocols import Extractor, Features, Metric
from ganzoo.seeds import generator_for

SAMPLES = 2500
"""Drawn for a metric that does not say how many it wants (``samples``)."""
THROUGH_AN_EXTRACTOR = frozenset({"features", "class_probs"})


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What generated data are measured by.

    Attributes:
        reference: the real data.
        metrics: name → metric.
        options: name → its options as plain data.
        extractors: name → extractor; looked at by metrics that need features.
        n: generated samples; as many as each metric asks for if ``None``.
        seed: of what metrics draw.
    """

    reference: RealData
    metrics: Mapping[str, Metric]
    options: Mapping[str, Mapping[str, Any]]
    extractors: Mapping[str, Extractor] = field(default_factory=dict)
    n: int | None = None
    seed: int = 0

    def samples(self, metric: Metric) -> int:
        """How many generated samples it gets."""
        return self.n or int(getattr(metric, "samples", SAMPLES))

    @property
    def most(self) -> int:
        """How many have to be generated for all metrics together."""
        return max(map(self.samples, self.metrics.values()), default=0)

    def with_classes(self, *, balanced: bool) -> Yardstick:
        """With the metrics alone that want samples equally of each class, or as often as the data have them."""
        chosen = {name: metric for name, metric in self.metrics.items() if wants_balanced(metric) is balanced}
        return replace(self, metrics=chosen)

    @property
    def need_images(self) -> bool:
        """Whether a metric looks at the pictures themselves."""
        return any("images" in metric.needs for metric in self.metrics.values())

    def looks(self) -> Mapping[str, Extractor]:
        """The extractors that a metric needs."""
        needed = any(metric.needs & THROUGH_AN_EXTRACTOR for metric in self.metrics.values())
        return self.extractors if needed else {}


def wants_balanced(metric: Metric) -> bool:
    """Whether a metric wants equally many samples of each class."""
    return bool(getattr(metric, "balanced_samples", False))


@dataclass(frozen=True, kw_only=True)
class Judgment:
    """What was found.

    Attributes:
        values: the numbers.
        failed: metric, with its extractor in brackets → why it has no numbers.
        errors: the same names → what was raised.
    """

    values: tuple[Value, ...]
    failed: Mapping[str, str]
    errors: Mapping[str, Exception] = field(default_factory=dict)


def judge(
    yardstick: Yardstick,
    generate: Callable[[int], Chunks],
    *,
    balanced: Callable[[int], Chunks] | None = None,
    ema: bool | None = None,
    batch_norm: str | None = None,
    truncation: float | None = None,
    floors: bool = True,
) -> Judgment:
    """Every metric, through every extractor that has what it needs.

    Args:
        yardstick: what is measured, and by what.
        generate: so many generated pictures, chunk by chunk; called at most once.
        balanced: the same with equally many of each class, for metrics that want that; where there is no choice, as
            with pictures from elsewhere, ``generate`` serves them too.
        ema: goes into the record, as the next two do.
        batch_norm: likewise.
        truncation: likewise.
        floors: whether the same is measured of real data too.
    """
    fakes: dict[bool, Gathered] = {}
    made = {"ema": ema, "batch_norm": batch_norm, "truncation": truncation}
    values: list[Value] = []
    errors: dict[str, Exception] = {}
    for name, metric in yardstick.metrics.items():
        evenly = balanced is not None and wants_balanced(metric)
        if evenly not in fakes:
            part = yardstick if balanced is None else yardstick.with_classes(balanced=evenly)
            source = balanced if balanced is not None and evenly else generate
            fakes[evenly] = gather(source(part.most), part.looks(), images=part.need_images)
        for extractor in _through(metric, yardstick.extractors):
            try:
                values += _Measurement(yardstick, name, extractor).values(fakes[evenly], made, floors=floors)
            except Exception as error:
                errors[name if extractor is None else f"{name}[{extractor}]"] = error
    return Judgment(values=tuple(values), failed={name: str(error) for name, error in errors.items()}, errors=errors)


def _through(metric: Metric, extractors: Mapping[str, Extractor]) -> list[str | None]:
    """The extractors that a metric is computed through; ``[None]`` if it looks at the pictures themselves."""
    if not metric.needs & THROUGH_AN_EXTRACTOR:
        return [None]
    classes = "class_probs" in metric.needs
    return [name for name, one in extractors.items() if one.classes or not classes]


class _Measurement:
    """One metric through one extractor."""

    def __init__(self, yardstick: Yardstick, name: str, extractor: str | None) -> None:
        self._yardstick, self._name, self._extractor = yardstick, name, extractor
        self._metric = yardstick.metrics[name]
        self._reference = yardstick.reference
        self._looks = {} if extractor is None else {extractor: yardstick.extractors[extractor]}
        self._images = "images" in self._metric.needs
        self._whole = bool(getattr(self._metric, "whole_reference", False))

    def values(self, fake: Gathered, made: Mapping[str, Any], *, floors: bool) -> list[Value]:
        """Its numbers."""
        n = min(self._yardstick.samples(self._metric), fake.count)
        real = self._reference.real(None if self._whole else n, self._looks, images=self._images)
        shown, compared = self._real_features(real), self._features(fake.first(n))
        numbers = self._numbers(shown, compared)
        floor, floor_of = self._floor(n) if floors else ({}, None)
        record = self._record(n, real.count, made)
        notes = self._notes(shown, compared)
        spreads: Mapping[str, str] = getattr(self._metric, "spreads", {})
        return [
            Value(
                key=key,
                value=value,
                better=self._better(key, first=not number),
                spread=numbers.get(spreads.get(key, "")),
                floor=floor.get(key),
                floor_of=floor_of if key in floor else None,
                record=record,
                warnings=notes,
            )
            for number, (key, value) in enumerate(numbers.items())
            if key not in spreads.values()
        ]

    def _numbers(self, real: Features, fake: Features) -> dict[str, float]:
        random = generator_for(self._yardstick.seed, "metric", self._name)
        numbers = {key: float(value) for key, value in self._metric(real=real, fake=fake, random=random).items()}
        if wrong := [key for key, value in numbers.items() if not math.isfinite(value)]:
            raise ValueError(f"{', '.join(wrong)} of metric {self._name} is not a finite number")
        return numbers

    def _floor(self, n: int) -> tuple[dict[str, float], str | None]:
        """The same numbers for real data in place of generated ones; none if there are too few for the metric."""
        if "held_out" in self._metric.needs:
            return {}, None
        real, unseen, words = self._reference.floor(None if self._whole else n, n, self._looks, images=self._images)
        try:
            return self._numbers(self._features(real), self._features(unseen)), words
        except ConfigError:
            return {}, None

    def _real_features(self, real: Gathered) -> Features:
        features = self._features(real)
        if "held_out" not in self._metric.needs:
            return features
        unseen = self._reference.unseen(None, self._looks, images=self._images)
        if unseen is None:
            raise ConfigError(
                f"metric {self._name} needs real data that the generator was not trained on, and there are none",
                given=f"the only split is {self._reference.split}",
                allowed="data with a split val or test",
                hint="put pictures of other patients into a folder test beside train",
            )
        return replace(features, held_out=self._features(unseen))

    def _features(self, gathered: Gathered) -> Features:
        dataset = self._reference.dataset
        return replace(
            gathered.features(self._extractor, images=self._images),
            modes=dataset.modes,
            mode_std=getattr(dataset, "mode_std", None),
        )

    def _better(self, key: str, *, first: bool) -> Better | None:
        if first:
            return "higher" if self._metric.higher_is_better else "lower"
        better: Mapping[str, Better] = getattr(self._metric, "better", {})
        return better.get(key)

    def _notes(self, real: Features, fake: Features) -> tuple[str, ...]:
        notes = getattr(self._metric, "warnings", None)
        return tuple(notes(real=real, fake=fake)) if notes is not None else ()

    def _record(self, n: int, n_real: int, made: Mapping[str, Any]) -> Record:
        extractor = None if self._extractor is None else self._yardstick.extractors[self._extractor]
        return Record(
            metric=self._name,
            options=self._yardstick.options[self._name],
            extractor=self._extractor,
            extractor_digest=None if extractor is None else extractor.digest,
            resize=None if extractor is None else extractor.resize,
            data=self._reference.dataset.fingerprint,
            split=self._reference.split,
            shape=tuple(self._reference.dataset.spec.shape),
            n=n,
            n_real=n_real,
            ganzoo=version("ganzoo"),
            **made,
        )
