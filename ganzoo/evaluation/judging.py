"""Metrics on generated data: each number with its floor, its record and what to bear in mind."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any

from ganzoo.errors import ConfigError, GanzooError, PluginError
from ganzoo.evaluation.gathering import Chunks, Gathered, gather
from ganzoo.evaluation.pace import BALANCED, GENERATING, Pace
from ganzoo.evaluation.reference import RealData
from ganzoo.evaluation.traits import Traits, warnings_of
from ganzoo.evaluation.value import Better, Record, Value
from ganzoo.protocols import Extractor, Features, Metric
from ganzoo.registry import one_line
from ganzoo.seeds import generator_for
from ganzoo.training.lack_of_memory import lacks_memory

logger = logging.getLogger("ganzoo")

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
        floors: those that were found: a floor is the same for every generator.
        pace: is told what is done.
    """

    reference: RealData
    metrics: Mapping[str, Metric]
    options: Mapping[str, Mapping[str, Any]]
    extractors: Mapping[str, Extractor] = field(default_factory=dict)
    n: int | None = None
    seed: int = 0
    floors: dict[tuple[str, str | None, int, bool], _Floor] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)

    def samples(self, metric: Metric) -> int:
        """How many generated samples it gets."""
        return Traits.of(metric).samples if self.n is None else self.n

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
    return Traits.of(metric).balanced_samples


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
    errors: Mapping[str, BaseException] = field(default_factory=dict)


def judge(
    yardstick: Yardstick,
    generate: Callable[[int], Chunks],
    *,
    look: Callable[..., Gathered] | None = None,
    balanced: Callable[[int], Chunks] | None = None,
    ema: bool | None = None,
    batch_norm: str | None = None,
    truncation: float | None = None,
    small_floors: bool = True,
) -> Judgment:
    """Every metric, through every extractor that has what it needs.

    Args:
        yardstick: what is measured, and by what.
        generate: so many generated pictures, chunk by chunk, always the same; called once, and again after a metric
            that changes what it is given.
        look: looks at them in place of :func:`ganzoo.evaluation.gathering.gather`.
        balanced: the same with equally many of each class, for metrics that want that; where there is no choice, as
            with pictures from elsewhere, ``generate`` serves them too.
        ema: goes into the record, as the next two do.
        batch_norm: likewise.
        truncation: likewise.
        small_floors: whether a floor of fewer real pictures than samples, which is higher, stands beside a value too;
            the value then has a note of it.
    """
    fakes: dict[bool, Gathered] = {}
    contents: dict[bool, str] = {}
    made = {"ema": ema, "batch_norm": batch_norm, "truncation": truncation}
    values: list[Value] = []
    errors: dict[str, BaseException] = {}
    for name, metric in yardstick.metrics.items():
        evenly = balanced is not None and wants_balanced(metric)
        for extractor in through(metric, yardstick.extractors):
            if evenly not in fakes:
                part = yardstick if balanced is None else yardstick.with_classes(balanced=evenly)
                source = balanced if balanced is not None and evenly else generate
                yardstick.pace.begin(BALANCED if evenly else GENERATING)
                chunks = yardstick.pace.counted(source(part.most))
                fakes[evenly] = (look or gather)(chunks, part.looks(), images=part.need_images, expected=part.most)
                contents[evenly] = fakes[evenly].content()
            yardstick.pace.begin(named(name, extractor))
            try:
                values += _Measurement(yardstick, name, extractor).values(
                    fakes[evenly], made, small_floors=small_floors
                )
            except (Exception, SystemExit) as error:  # sys.exit() in a plugin must not end ganzoo
                if lacks_memory(error):
                    raise
                errors[named(name, extractor)] = error
            # A copy for each metric would take as much room again, for what none should do.
            if fakes[evenly].content() != contents[evenly]:
                logger.warning(
                    "metric %s changes the samples that it is given, so they are made again for others; "
                    "its author may run: ganzoo check %s",
                    name,
                    name,
                )
                del fakes[evenly]
    failed = {name: _reason(error) for name, error in errors.items()}
    return Judgment(values=tuple(values), failed=failed, errors=errors)


def named(metric: str, extractor: str | None) -> str:
    """``frechet-distance[random-conv]``, or the metric alone."""
    return metric if extractor is None else f"{metric}[{extractor}]"


def _reason(error: BaseException) -> str:
    """What ganzoo's own errors say in full, and others with their type, for some say nothing else."""
    return str(error) if isinstance(error, GanzooError) else one_line(error)


def through(metric: Metric, extractors: Mapping[str, Extractor]) -> list[str | None]:
    """The extractors that a metric is computed through; ``[None]`` if it looks at the pictures themselves."""
    if not metric.needs & THROUGH_AN_EXTRACTOR:
        return [None]
    classes = "class_probs" in metric.needs
    return [name for name, one in extractors.items() if one.classes or not classes]


@dataclass(frozen=True, kw_only=True)
class _Floor:
    """Numbers of real data in place of generated ones, which data those are, and what to bear in mind."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    words: str | None = None
    notes: tuple[str, ...] = ()


def _notes_on_fewer(n: int, unseen: int, n_real: int, real: int) -> tuple[str, ...]:
    """What to bear in mind where real against real is of fewer than the value, on the one side or on the other."""
    if unseen < n:
        return (
            f"real against real is of {unseen:,} real pictures and the value of {n:,} samples: a distance of "
            f"fewer is larger, so a value that is better proves nothing; for equal numbers: -n {unseen}",
        )
    if real < n_real:
        return (
            f"real against real compares with {real:,} real pictures and the value with {n_real:,}: a distance to "
            "fewer is larger, so a value that is better proves nothing",
        )
    return ()


class _Measurement:
    """One metric through one extractor."""

    def __init__(self, yardstick: Yardstick, name: str, extractor: str | None) -> None:
        self._yardstick, self._name, self._extractor = yardstick, name, extractor
        self._metric = yardstick.metrics[name]
        self._reference = yardstick.reference
        self._looks = {} if extractor is None else {extractor: yardstick.extractors[extractor]}
        self._images = "images" in self._metric.needs
        self._traits = Traits.of(self._metric)

    def values(self, fake: Gathered, made: Mapping[str, Any], *, small_floors: bool) -> list[Value]:
        """Its numbers."""
        n = min(self._yardstick.samples(self._metric), fake.count)
        n_real, numbers, notes = self._compared(fake, n)
        floor = self._floor(n, n_real, small=small_floors) if "held_out" not in self._metric.needs else _Floor()
        record = self._record(n, n_real, made)
        spreads = self._traits.spreads
        return [
            Value(
                key=key,
                value=value,
                better=self._better(key, first=not number),
                spread=numbers.get(spreads.get(key, "")),
                range=self._traits.ranges.get(key),
                floor=floor.numbers.get(key),
                floor_of=floor.words if key in floor.numbers else None,
                record=record,
                warnings=(*notes, *floor.notes),
            )
            for number, (key, value) in enumerate(numbers.items())
            if key not in spreads.values()
        ]

    def _compared(self, fake: Gathered, n: int) -> tuple[int, dict[str, float], tuple[str, ...]]:
        """How many real data there are, its numbers, and what to bear in mind; the data are gone before a floor."""
        real = self._reference.real(None if self._traits.whole_reference else n, self._looks, images=self._images)
        shown, compared = self._real_features(real), self._features(fake.first(n))
        notes = warnings_of(self._metric, real=shown, fake=compared)
        return real.count, self._numbers(shown, compared), tuple(notes)

    def _numbers(self, real: Features, fake: Features) -> dict[str, float]:
        # The same for all runs: numbers of two seeds are not to differ by what a metric draws.
        random = generator_for(self._yardstick.seed, "metric", self._name)
        numbers = {key: float(value) for key, value in self._metric(real=real, fake=fake, random=random).items()}
        if not numbers:
            raise PluginError(f"metric {self._name} gave no number", hint=f"ganzoo check {self._name}")
        if wrong := [key for key, value in numbers.items() if not math.isfinite(value)]:
            raise PluginError(
                f"{', '.join(wrong)} of metric {self._name} is not a finite number", hint=f"ganzoo check {self._name}"
            )
        return numbers

    def _floor(self, n: int, n_real: int, *, small: bool) -> _Floor:
        """The same numbers for real data in place of generated ones; none, and why, where that cannot be had."""
        known, what = self._yardstick.floors, (self._name, self._extractor, n, small)
        if what not in known:
            known[what] = self._found_floor(n, n_real, small=small)
        return known[what]

    def _found_floor(self, n: int, n_real: int, *, small: bool) -> _Floor:
        try:
            parts = self._reference.floor(
                None if self._traits.whole_reference else n, n, self._looks, images=self._images
            )
            if parts is None:
                return _Floor(notes=("there are too few real data to compare real against real",))
            real, unseen, words = parts
            # A half has never all of the data: a metric that wants them all has its number of that half.
            lacking = unseen.count < n or (real.count < n_real and not self._traits.whole_reference)
            if lacking and not small:
                return _Floor()
            numbers = self._numbers(self._features(real), self._features(unseen))
        except (Exception, SystemExit) as error:
            if lacks_memory(error):
                raise
            return _Floor(notes=(f"real against real has no number: {_reason(error)}",))
        notes = _notes_on_fewer(n, unseen.count, n_real, real.count)
        return _Floor(numbers=numbers, words=words, notes=notes)

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
        features = gathered.features(self._extractor, images=self._images)
        facts = None if features.facts is None else replace(features.facts, metrics=self._companions)
        return replace(features, facts=facts, modes=dataset.modes, mode_std=getattr(dataset, "mode_std", None))

    @cached_property
    def _companions(self) -> tuple[Metric, ...]:
        """The metrics that get the same features as this one, and itself."""
        samples, traits = self._yardstick.samples(self._metric), self._traits
        return tuple(
            one
            for one in self._yardstick.metrics.values()
            if "features" in one.needs
            and self._yardstick.samples(one) == samples
            and Traits.of(one).whole_reference == traits.whole_reference
            and wants_balanced(one) == traits.balanced_samples
        )

    def _better(self, key: str, *, first: bool) -> Better | None:
        better = self._traits.better
        if first and key not in better:
            return "higher" if self._metric.higher_is_better else "lower"
        return better.get(key)

    def _held_out(self) -> str | None:
        held_out = self._reference.held_out if "held_out" in self._metric.needs else None
        return None if held_out is None else held_out[0].fingerprint

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
            held_out=self._held_out(),
            ganzoo=version("ganzoo"),
            **made,
        )
