"""What a plan's generator is measured by, and metrics during training, which do not perturb it."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from ganzoo.cache import cache_folder
from ganzoo.component import DatasetOptions, ExtractorOptions
from ganzoo.config.schema import MOST_SAMPLES
from ganzoo.errors import ConfigError, DataError, PluginError
from ganzoo.evaluation import sampling
from ganzoo.evaluation.judging import THROUGH_AN_EXTRACTOR, Judgment, Yardstick, judge, through
from ganzoo.evaluation.opened import Maker, Measurable, OpenedData
from ganzoo.evaluation.reference import RealData, order
from ganzoo.evaluation.sampling import BATCHES_FOR_A_LOOK
from ganzoo.evaluation.together import SharedSamples
from ganzoo.evaluation.traits import Traits, check_traits
from ganzoo.evaluation.value import Value
from ganzoo.planning.opening import code_of
from ganzoo.planning.plan import Plan
from ganzoo.protocols import Dataset, Extractor, Metric, Survey
from ganzoo.training.runtime import pick_device
from ganzoo.training.state import TrainState
from ganzoo.training.team import ALONE, Team

logger = logging.getLogger("ganzoo")

HELD_OUT = ("test", "val")
"""Splits that a generator was not trained on, the better one first."""


class Measures:
    """Measures the generator of a run as it stands, whenever it is called: ``metric/NAME/…`` → value.

    ``floor/NAME/…`` is the same number of real data, if there are as many of them as samples.

    Where several processes train together, the first one calls it while the others :meth:`help`.

    Attributes:
        score: how good the last call found it, a larger number being better: the first number of the first metric,
            through its first extractor; ``None`` if that failed, or ranks nothing.
    """

    def __init__(self, plan: Plan, state: TrainState, team: Team = ALONE) -> None:
        check_metrics(plan)
        self._plan, self._state, self._team = plan, state, team
        self._yardstick: Yardstick | None = None
        self._told = False
        self.score: float | None = None

    def __call__(self) -> dict[str, float]:
        """What was found; a metric that fails is warned of and left out."""
        plan, state, samples = self._plan, self._state, self._samples()
        judgment = judge(
            self._opened(),
            samples.asked,
            look=samples.look,
            balanced=partial(samples.asked, balanced=True),
            small_floors=False,
        )
        samples.over()
        for name, error in judgment.errors.items():  # a measurement that fails must not cost the training
            logger.warning(
                "metric %s of %s raised %s at step %d, so it is missing there: %s",
                name,
                plan.entries[f"metrics.{name.partition('[')[0]}"].provider,
                type(error).__name__,
                state.step,
                error,
            )
            logger.debug("traceback:\n%s", "".join(traceback.format_exception(error)))
        self.score = self._score(judgment)
        floors = {column(value, "floor"): value.floor for value in judgment.values if value.floor is not None}
        return {column(value): value.value for value in judgment.values} | floors

    def help(self) -> None:
        """Make this process's part of the samples that the first process measures, in its call."""
        self._samples().follow(self._opened)

    def _samples(self) -> SharedSamples:
        plan, seed = self._plan, self._plan.config.seed
        network = sampling.ready(
            self._state.averaged(),
            plan.spec,
            uniform=plan.config.train.uniform_labels,
            seed=seed,
            batches=BATCHES_FOR_A_LOOK,
        )
        return SharedSamples(network=network, spec=plan.spec, seed=seed, team=self._team)

    def _opened(self) -> Yardstick:
        """Others open it once the first has: an extractor that is trained is trained once, and read by them."""
        self._yardstick = self._yardstick or yardstick(self._plan)
        return self._yardstick

    def _score(self, judgment: Judgment) -> float | None:
        assert self._yardstick is not None
        name, metric = next(iter(self._yardstick.metrics.items()))
        extractor = through(metric, self._yardstick.extractors)[0]
        for value in judgment.values:
            if (value.record.metric, value.record.extractor) == (name, extractor):
                if value.better is None:
                    self._tell_that_nothing_is_best(value)
                    return None
                return value.value if metric.higher_is_better else -value.value
        return None

    def _tell_that_nothing_is_best(self, value: Value) -> None:
        """Once: the least similar samples, say, are those of an untrained generator, and would be kept as the best."""
        if self._plan.config.train.keep == "best" and not self._told:
            logger.warning(
                "%s of metric %s ranks nothing, so no checkpoint is the best, and train.keep=best keeps the newest "
                "alone; next: ganzoo list metrics, and name one that ranks first",
                value.key,
                value.record.metric,
            )
            self._told = True


def column(value: Value, what: str = "metric") -> str:
    """What a number, or its ``floor``, is called in ``metrics.jsonl``."""
    return f"{what}/{value.record.metric}/{value.key if value.record.extractor is None else value.label}"


def yardstick(subject: Measurable, *, n: int | None = None) -> Yardstick:
    """What a generator is measured by; opens what it needs of the data.

    Raises:
        ConfigError: a metric needs what these data, or the extractors, do not have.
        DataError: weights of an extractor cannot be read.
        PluginError: a component of kind metric is none.
    """
    if n is not None and not 2 <= n <= MOST_SAMPLES:
        allowed = f"a whole number from 2 to {MOST_SAMPLES:,}"
        raise ConfigError("n is not a number of samples", given=n, allowed=allowed, hint="-n 1000")
    metrics = metrics_of(subject)
    needs = frozenset[str]().union(*(metric.needs for metric in metrics.values()))
    extractors = {name: _extractor(subject, name) for name in subject.config.extractors if needs & THROUGH_AN_EXTRACTOR}
    for name, metric in metrics.items():
        _check_extractors(name, metric, extractors)
    return Yardstick(
        reference=RealData(
            dataset=subject.dataset,
            split=subject.config.data.split,
            find_held_out=lambda: _held_out(subject),
            cache=cache_folder(),
        ),
        metrics=metrics,
        options={name: subject.options[f"metrics.{name}"].model_dump(mode="json") for name in metrics},
        extractors=extractors,
        n=subject.config.eval.n if n is None else n,
    )


def metrics_of(subject: Measurable) -> dict[str, Metric]:
    """The metrics of a run by name.

    Raises:
        ConfigError: a metric needs what these data do not have.
        PluginError: a component of kind metric is none.
    """
    return {name: _metric(subject, name) for name in subject.config.metrics}


def check_metrics(subject: Measurable, *, n: int | None = None) -> None:
    """Raise what :func:`yardstick` would of metrics, without opening an extractor; and whatever makes one fail later.

    Args:
        subject: what is to be measured.
        n: generated samples; ``eval.n`` if ``None``.

    Raises:
        ConfigError: also if a metric has no number for so few samples, or so few real data.
    """
    flag, n = ("--set eval.n=", subject.config.eval.n) if n is None else ("-n ", n)
    for name, metric in metrics_of(subject).items():
        if metric.needs & THROUGH_AN_EXTRACTOR and not subject.config.extractors:
            raise _without_extractor(name)
        _check_enough(name, Traits.of(metric), generated=n, real=len(subject.dataset), flag=flag)


def _check_enough(name: str, traits: Traits, *, generated: int | None, real: int, flag: str) -> None:
    fewest = traits.fewest_samples
    if (traits.samples if generated is None else generated) < fewest:
        raise ConfigError(
            f"metric {name} needs at least {fewest} generated samples",
            given=f"n = {generated}",
            allowed=f"{fewest} or more",
            hint=f"{flag}{fewest}",
        )
    if real < fewest:
        raise ConfigError(
            f"metric {name} needs at least {fewest} real data, and there are {real}",
            allowed=f"{fewest} or more",
            hint="--metric NAME of another one; see: ganzoo list metrics",
        )


def real_part(subject: Measurable, count: int) -> Tensor:
    """So many of the real data, always the same: a shuffle of their own, at most all of them."""
    return subject.dataset.read(order(subject.dataset)[:count])


def _metric(subject: Measurable, name: str) -> Metric:
    metric: Any = subject.options[f"metrics.{name}"].build(subject.spec)
    provider = subject.entries[f"metrics.{name}"].provider
    if not callable(metric) or not hasattr(metric, "needs"):
        raise PluginError(
            f"metric {name} of {provider} does not build a Metric",
            given=type(metric).__name__,
            allowed="an object with needs, higher_is_better and __call__(*, real, fake, random)",
        )
    check_traits(metric, f"metric {name} of {provider}")
    available = {"images", "held_out"} | ({"modes"} if subject.dataset.modes is not None else set())
    if len(subject.spec.shape) == 3:
        available |= THROUGH_AN_EXTRACTOR
    if subject.spec.conditional:
        available.add("labels")
    if "labels" in metric.needs - available and len(subject.dataset.spec.classes) > 1:
        raise _without_classes(subject, name)
    missing = ", ".join(sorted(metric.needs - available))
    if missing:
        raise ConfigError(
            f"metric {name} needs {missing}, which a run on data {subject.config.data.name} does not have",
            allowed=", ".join(sorted(available)),
            hint="leave the metric out: --metric none",
        )
    result: Metric = metric
    return result


def _without_classes(subject: Measurable, name: str) -> ConfigError:
    """The data have classes, and what is generated has none."""
    own = Maker(words=f"generator {subject.config.generator.name}", hint="--disc acgan")
    maker = (subject.maker if isinstance(subject, OpenedData) else None) or own
    if len(subject.spec.shape) != 3:  # every critic that sees classes judges pictures
        maker = replace(maker, hint="leave the metric out: --metric none")
    return ConfigError(
        f"metric {name} needs labels of generated data, and {maker.words} has none",
        given=f"data {subject.config.data.name} with {len(subject.dataset.spec.classes)} classes, samples without",
        allowed="samples of the classes of the data",
        hint=maker.hint,
    )


def _extractor(subject: Measurable, name: str) -> Extractor:
    entry, options = subject.entries[f"extractors.{name}"], subject.options[f"extractors.{name}"]
    assert isinstance(options, ExtractorOptions)
    with code_of(entry, "cannot be opened"):
        return options.open(
            data=subject.dataset, device=pick_device(subject.config.runtime.device), cache=cache_folder()
        )


def _check_extractors(name: str, metric: Metric, extractors: dict[str, Extractor]) -> None:
    if not metric.needs & THROUGH_AN_EXTRACTOR:
        return
    if not extractors:
        raise _without_extractor(name)
    if "class_probs" in metric.needs and not any(one.classes for one in extractors.values()):
        raise ConfigError(
            f"metric {name} needs an extractor that tells classes apart",
            given=", ".join(extractors),
            allowed="an extractor with classes, such as classifier",
            hint="--extractor classifier",
        )


def _without_extractor(name: str) -> ConfigError:
    return ConfigError(
        f"metric {name} compares features, and no extractor is chosen",
        hint="--extractor NAME; see: ganzoo list extractors",
    )


def _held_out(subject: Measurable) -> tuple[Dataset, str] | None:
    """Data of the same kind that the generator does not see; ``None`` if there are no others."""
    data, options, shape = subject.config.data, subject.options["data"], subject.dataset.spec.shape
    assert isinstance(options, DatasetOptions)
    # What nobody stated was decided by the pictures of the one split; those of another may decide otherwise.
    size, channels = (shape[-1], shape[0]) if len(shape) == 3 else (data.image_size, data.channels)
    for split in HELD_OUT:
        if data.split in (split, "all"):
            continue
        try:
            opened = options.open(image_size=size, channels=channels, split=split, cache=cache_folder())
        except DataError as error:
            if _is_there(subject.dataset, split, error):
                logger.warning("split %s cannot be read, so it does not count as held out: %s", split, error.message)
            continue
        if opened.fingerprint != subject.dataset.fingerprint and not _shares_groups(subject, opened, split):
            return opened, split
    return None


def _is_there(dataset: Dataset, split: str, error: DataError) -> bool:
    """Whether the data have a split, which then could not be read."""
    survey = getattr(dataset, "survey", None)
    return split in survey.splits if isinstance(survey, Survey) else "no split" not in error.message


def _shares_groups(subject: Measurable, opened: Dataset, split: str) -> bool:
    """Whether a group, such as a patient, is in both: other pictures of a patient who was seen are not unseen."""
    shared = sorted(set(subject.dataset.groups or ()) & set(opened.groups or ()))
    if shared:
        logger.warning(
            "%s of the data are in split %s and in split %s (%s), so pictures of %s do not count as held out",
            "1 group" if len(shared) == 1 else f"{len(shared):,} groups",
            subject.config.data.split,
            split,
            ", ".join(shared[:5]),
            split,
        )
    return bool(shared)
