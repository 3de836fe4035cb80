"""Checks of what a metric says, and of what."""

from __future__ import annotations

import contextlib
import pickle
from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import torch
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.evaluation.traits import Traits, check_traits
from ganzoo.evaluation.value import range_in_words
from ganzoo.protocols import Features, Metric
from ganzoo.testing.check import check, demand
from ganzoo.testing.metrics.answers import ENOUGH, answer, demand_numbers, narrowed, prepared, same
from ganzoo.testing.metrics.worlds import PICTURES, POINTS, RARER, changed, copied, only, part, world_of
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject

KNOWN_NEEDS = frozenset({"images", "labels", "features", "class_probs", "modes", "held_out"})
BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL)


@check("protocol", Metric, "It takes ``real``, ``fake`` and ``random`` by keyword.", every_choice=True)
def keeps_the_protocol(subject: Subject) -> None:
    """What a run reads of it before it calls it."""
    metric = _built(subject)
    what = f"build() returns {type(metric).__name__}, which"
    demand(callable(metric), f"{what} cannot be called")
    needs: Any = getattr(metric, "needs", None)
    demand(isinstance(needs, frozenset), f"{what} has needs = {needs!r} and no frozenset")
    unknown = sorted(needs - KNOWN_NEEDS)
    demand(not unknown, f"it needs {', '.join(unknown)}, and there are {', '.join(sorted(KNOWN_NEEDS))}")
    better = getattr(metric, "higher_is_better", None)
    demand(isinstance(better, bool), f"{what} has higher_is_better = {better!r} and neither True nor False")
    _demand_traits(metric, what)
    # A module passes on whatever it is given.
    taken = signature(metric.forward if isinstance(metric, nn.Module) else metric)
    positional = [name for name, one in taken.parameters.items() if one.kind in BY_POSITION]
    taken.bind(real=None, fake=None, random=None)
    demand(not positional, f"it takes {', '.join(positional)} by position: write a * before it")


def _demand_traits(metric: Any, what: str) -> None:
    """Optional attributes are what they should be, and none is misspelt."""
    traits = Traits.of(metric)
    for name in ("samples", "fewest_samples"):
        number = getattr(traits, name)
        whole = isinstance(number, int) and not isinstance(number, bool) and number > 0
        demand(whole, f"{what} has {name} = {number!r} and no number of samples")
    for name in ("balanced_samples", "whole_reference"):
        demand(isinstance(getattr(traits, name), bool), f"{what} has {name} = {getattr(traits, name)!r}, no bool")
    enough = f"has samples = {traits.samples}, and has no number for less than fewest_samples = {traits.fewest_samples}"
    demand(traits.fewest_samples <= traits.samples, f"{what} {enough}")
    check_traits(metric, type(metric).__name__)


def _built(subject: Subject) -> Any:
    """The metric, whatever it may say when it is called."""
    for shape in (PICTURES, POINTS, *RARER):
        with contextlib.suppress(ConfigError):
            return subject.build(world_of(shape, 2).spec)
    return subject.build(world_of(PICTURES, 2).spec)


@check("numbers", Metric, "Its numbers are finite, and floats.", every_choice=True)
def returns_numbers(subject: Subject) -> None:
    """Floats by name, of a good generator."""
    metric, world = prepared(subject)
    found = answer(metric, world.real, world.unseen)
    demand_numbers(found, "of real data")
    for name, (low, high) in Traits.of(metric).ranges.items():
        value = found.get(name)
        inside = value is None or ((low is None or low <= value) and (high is None or value <= high))
        demand(inside, f"of real data {name} is {value}, and its ranges say {range_in_words((low, high))}")


@check("collapse", Metric, "Also where all samples are alike it has the same numbers, and they are finite.")
def survives_collapse(subject: Subject) -> None:
    """A generator may make one sample again and again, and the run goes on."""
    metric, world = prepared(subject)
    good, bad = answer(metric, world.real, world.unseen), answer(metric, world.real, world.flat)
    demand_numbers(bad, "where all samples are alike")
    demand(
        good.keys() == bad.keys(),
        f"it has the numbers {', '.join(good)}, and where all samples are alike {', '.join(bad)}",
    )


@check(
    "direction",
    Metric,
    "By the first, real data that it has not seen are better than one sample, unlike them, again and again.",
)
def knows_the_better(subject: Subject) -> None:
    """More of the real data must not look worse than nothing of them."""
    metric, world = prepared(subject)
    good, bad = answer(metric, world.real, world.unseen), answer(metric, world.real, world.flat)
    name = next(iter(good))
    better = good[name] > bad[name] if metric.higher_is_better else good[name] < bad[name]
    demand(
        better,
        f"{name} is {good[name]:.6g} of real data it has not seen and {bad[name]:.6g} of one sample unlike them, again "
        f"and again; higher_is_better is {metric.higher_is_better}",
    )


@check("deterministic", Metric, "The same samples and seed give the same numbers.")
def is_deterministic(subject: Subject) -> None:
    """The same twice, from the same metric and from another one."""
    metric, world = prepared(subject)
    first = answer(metric, world.real, world.unseen)
    same(first, answer(metric, world.real, world.unseen), "asked again with the same seed")
    same(first, answer(prepared(subject, seed=1)[0], world.real, world.unseen), "built again, after another seed")


@check("no-memory", Metric, "Earlier calls have no influence.")
def remembers_nothing(subject: Subject) -> None:
    """What it computed of other real data is not used for these."""
    metric, world = prepared(subject)
    fresh = answer(metric, world.real, world.unseen)
    other = narrowed(subject).build(world.spec)
    answer(other, replace(world.unseen, held_out=world.real.held_out), replace(world.real, held_out=None))
    same(fresh, answer(other, world.real, world.unseen), "asked after it saw other real data")


@check("random-numbers", Metric, "Random numbers are drawn from ``random`` alone.")
def draws_from_its_own(subject: Subject) -> None:
    """Measuring must not change what is trained."""
    metric, world = prepared(subject)
    with random_numbers_untouched():
        answer(metric, world.real, world.unseen)


@check("inputs-unmodified", Metric, "Its arguments are not changed.")
def leaves_its_inputs(subject: Subject) -> None:
    """Other metrics get the same."""
    metric, world = prepared(subject)
    real, fake = copied(world.real), copied(world.unseen)
    metric(real=real, fake=fake, random=torch.Generator().manual_seed(0))
    for side, before, after in (("real", world.real, real), ("fake", world.unseen, fake)):
        found = changed(before, after)
        demand(not found, f"it changed {', '.join(found)} of {side}")


@check(
    "other-numbers",
    Metric,
    "Real and generated samples may be of different number; where they are too few it may be a ConfigError.",
)
def takes_other_numbers(subject: Subject) -> None:
    """The data may be fewer than the samples, or hardly any; an answer or an error that says so."""
    metric, world = prepared(subject)
    count = len(world.real.labels)  # type: ignore[arg-type]
    for few in (count // 2, 2, 1):
        fewer = part(world.real, torch.arange(few))
        for real, fake in ((fewer, world.unseen), (world.real, part(world.unseen, torch.arange(few)))):
            sides = f"of {_count(real)} real and {_count(fake)} generated samples"
            try:
                found = answer(metric, real, fake)
            except ConfigError:
                continue
            demand_numbers(found, sides)


def _count(features: Features) -> int:
    return 0 if features.labels is None else len(features.labels)


@check("other-data", Metric, "Data that it cannot compare, as vectors may be, are a ConfigError.")
def refuses_other_data(subject: Subject) -> None:
    """Points in place of pictures, or pictures whose modes have no known spread in place of points."""
    small = narrowed(subject)
    for shape in (PICTURES, POINTS):
        world = world_of(shape, ENOUGH)
        if shape == PICTURES:
            modes = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
            real, unseen = (replace(side, modes=modes) for side in (world.real, world.unseen))
            world = replace(world, real=real, unseen=unseen)
        try:
            found = answer(small.build(world.spec), world.real, world.unseen)
        except ConfigError:
            continue
        demand_numbers(found, f"of {'pictures' if shape == PICTURES else 'points'}")


@check("pickle", Metric, "It can be pickled.")
def can_be_pickled(subject: Subject) -> None:
    """Other processes say the same."""
    metric, world = prepared(subject)
    again = pickle.loads(pickle.dumps(metric))  # noqa: S301  # what was pickled here a moment ago
    same(answer(metric, world.real, world.unseen), answer(again, world.real, world.unseen), "after pickling")


@check(
    "needs", Features, "What a metric may ask for of real or of generated data; what it does not need may be ``None``."
)
def looks_at_its_needs_alone(subject: Subject) -> None:
    """The rest may be there or not."""
    metric, world = prepared(subject)
    whole = answer(metric, world.real, world.unseen)
    needed = answer(metric, only(world.real, metric.needs), only(world.unseen, metric.needs))
    same(whole, needed, f"with nothing but {', '.join(sorted(metric.needs)) or 'nothing'}")


def draws(subject: Subject) -> str | None:
    """Which samples are drawn depends on where they stand."""
    metric, world = prepared(subject)
    random = torch.Generator().manual_seed(0)
    before = random.get_state()
    metric(real=copied(world.real), fake=copied(world.unseen), random=random)
    return None if torch.equal(before, random.get_state()) else "it draws random numbers"


@check(
    "permutation",
    Metric,
    "The order of samples does not matter, unless it draws some of them.",
    skip=lambda subject: subject.once(draws),
)
def takes_any_order(subject: Subject) -> None:
    """Sets are compared, not lists."""
    metric, world = prepared(subject)
    order = torch.randperm(len(world.real.labels), generator=torch.Generator().manual_seed(1))  # type: ignore[arg-type]
    whole = answer(metric, world.real, world.unseen)
    for side, real, fake in (
        ("real", part(world.real, order), world.unseen),
        ("generated", world.real, part(world.unseen, order)),
    ):
        same(whole, answer(metric, real, fake), f"with {side} samples in another order", tolerance=1e-5)
