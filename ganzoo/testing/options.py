"""Checks of what every component has: options, and a record if it is installed."""

from __future__ import annotations

import importlib.util
import json
import math
import pickle
from collections.abc import Callable, Iterator

import yaml
from pydantic import ValidationError

from ganzoo.component import Component, Options
from ganzoo.config.layers import ConfigLayer, merge, validate
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import GanzooError
from ganzoo.protocols import DataSpec
from ganzoo.testing.check import NotHere, check, demand
from ganzoo.testing.subject import VECTORS, Subject, images_like
from ganzoo.testing.tags import KNOWN

PLACES = (images_like(1, 8), images_like(3, 32), images_like(1, 64), VECTORS)


def no_record(subject: Subject) -> str | None:
    """What is not installed has announced nothing."""
    return "checked without its record" if subject.record is None else None


@check(
    "record-suggestions",
    Component,
    "suggests: configuration path → value, used where the user says nothing.",
    skip=no_record,
)
def suggestions_are_configuration(subject: Subject) -> None:
    """Each path leads to a key, each value is allowed there."""
    record = subject.record
    assert record is not None  # the check is skipped otherwise
    validate(merge([ConfigLayer(origin=subject.name, values=dict(record.suggests))]))


@check(
    "record-tags",
    Component,
    "tags: capability tags of the *default* options; :meth:`Options.tags` is authoritative.",
    skip=no_record,
)
def record_agrees(subject: Subject) -> None:
    """The record speaks of the default options."""
    record = subject.record
    assert record is not None  # the check is skipped otherwise
    try:
        default = type(subject.chosen)()
    except ValidationError:
        default = subject.chosen  # with what must be given
    said, so = record.tags, default.tags()
    demand(said == so, f"the record says {sorted(said)}, the default options say {sorted(so)}")


@check(
    "options-closed",
    Options,
    "They are frozen and refuse unknown keys, so a slip of the pen is an error and a run cannot change them.",
)
def options_are_closed(subject: Subject) -> None:
    """Frozen, and no other key is taken."""
    config = type(subject.chosen).model_config
    demand(config.get("frozen"), "its model_config is not frozen")
    demand(config.get("extra") == "forbid", f"its model_config has extra={config.get('extra')!r}")
    json.dumps(type(subject.chosen).model_json_schema())


@check(
    "options-described",
    Options,
    "The class has a docstring and every option a description: they are what ``ganzoo info`` shows.",
)
def options_are_described(subject: Subject) -> None:
    """A sentence for ``ganzoo info`` for the class and for each field."""
    model = type(subject.chosen)
    undescribed = [name for name, field in model.model_fields.items() if not field.description]
    demand(not undescribed, f"without description: {', '.join(undescribed)}")
    demand(vars(model).get("__doc__"), f"{model.__name__} has no docstring")


def no_hypothesis(subject: Subject) -> str | None:
    """The strategies for options come from an optional package."""
    if importlib.util.find_spec("hypothesis") is None:
        return NotHere("hypothesis is not installed: python -m pip install 'ganzoo[testing]'")
    return None


def for_any_options(subject: Subject, try_one: Callable[[Options], None]) -> None:
    """Try options of the subject's class until one is found for which ``try_one`` raises."""
    from hypothesis import HealthCheck, given, settings

    from ganzoo.testing.strategies import configs

    # Health checks measure time, and a verdict must not depend on it.
    quiet = settings(
        max_examples=50,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    quiet(given(configs(type(subject.chosen), like=subject.chosen))(try_one))()


@check(
    "options-round-trip",
    Options,
    "Whatever options are allowed come back from ``config.yaml`` as they were.",
    skip=no_hypothesis,
)
def options_survive_text(subject: Subject) -> None:
    """Any allowed options, not only the default ones, come back from a file as they were."""

    def come_back(options: Options) -> None:
        plain = options.model_dump(mode="json")
        for form, text in (("JSON", json.dumps(plain)), ("YAML", yaml.safe_dump(plain))):
            again = type(options).model_validate(yaml.safe_load(text) if form == "YAML" else json.loads(text))
            demand(again == options, f"{options!r} comes back from {form} as {again!r}{_advice(again)}")
            demand(options.tags() == again.tags(), f"tags() of {options!r} are not the same twice")

    for_any_options(subject, come_back)


def _advice(options: Options) -> str:
    unequal = [name for name, value in options if isinstance(value, float) and math.isnan(value)]
    return f"; NaN is unequal to itself: allow_inf_nan=False for {', '.join(unequal)}" if unequal else ""


@check("options-pickle", Options, "Options can be pickled, for processes that work together.")
def options_can_be_pickled(subject: Subject) -> None:
    """Other processes get the same."""
    again = pickle.loads(pickle.dumps(subject.chosen))  # noqa: S301  # what was pickled here a moment ago
    demand(again == subject.chosen, f"comes back from pickle as {again!r}")


@check("options-resolve", Options.resolve, "A copy in which what was left ``None`` is filled from the data.")
def resolving_keeps_what_was_said(subject: Subject) -> None:
    """Only gaps are filled, and a second time there is nothing to fill."""

    def fills_gaps(options: Options) -> None:
        for spec, resolved in _resolved(options):
            demand(type(resolved) is type(options), f"resolve() returns {type(resolved).__name__}")
            said = {name: value for name, value in options if value is not None}
            now = dict(resolved)
            changed = [name for name, value in said.items() if now[name] is not value and now[name] != value]
            demand(not changed, f"resolve() for {spec.shape} changes {', '.join(changed)} of {options!r}")
            demand(resolved.resolve(spec) == resolved, f"resolve() for {spec.shape} changes its own answer")

    fills_gaps(subject.chosen)
    if no_hypothesis(subject) is None:
        for_any_options(subject, fills_gaps)


def _resolved(options: Options) -> Iterator[tuple[DataSpec, Options]]:
    """With the data that suit; a network's own checks look at those that do not."""
    for spec in PLACES:
        try:
            resolved = options.resolve(spec)
        except GanzooError:
            continue
        yield spec, resolved


@check(
    "tags-known",
    Options.tags,
    "Only the tags listed in ``TAGS`` exist, each for its own kinds.",
    every_choice=True,
)
def tags_are_known(subject: Subject) -> None:
    """A misspelt tag would mean nothing, without a word."""
    for tag in sorted(subject.tags - KNOWN.keys()):
        demand(False, f"there is no tag {tag!r}{did_you_mean(tag, KNOWN)}")
    of_others = sorted(tag for tag in subject.tags & KNOWN.keys() if subject.kind not in KNOWN[tag])
    demand(not of_others, f"no tags of a {subject.kind}: {', '.join(of_others)}")


RECORD_CHECKS = (suggestions_are_configuration,)
"""Of every component, recipes included."""
OPTIONS_CHECKS = (
    *RECORD_CHECKS,
    record_agrees,
    options_are_closed,
    options_are_described,
    options_survive_text,
    options_can_be_pickled,
    resolving_keeps_what_was_said,
    tags_are_known,
)
"""Of every component that has options."""
