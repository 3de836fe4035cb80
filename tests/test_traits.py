"""What a metric may say of itself: read in one place, and refused where a name is nearly one that is read."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest

from ganzoo.component import Options
from ganzoo.errors import PluginError
from ganzoo.evaluation.traits import SAMPLES, Traits, check_traits, warnings_of
from ganzoo.registry import Registry


class Plain:
    """A metric that says nothing more than it has to."""

    needs, higher_is_better = frozenset({"images"}), True


def test_what_is_not_said_is_as_usual():
    assert Traits.of(Plain()) == Traits(samples=SAMPLES, fewest_samples=1)
    assert warnings_of(Plain(), real=None, fake=None) == ()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("whole_refrence", "whole_reference"),
        ("balanced_sample", "balanced_samples"),
        ("fewest_sample", "fewest_samples"),
        ("sample", "samples"),
        ("spread", "spreads"),
        ("beter", "better"),
        ("warning", "warnings"),
    ],
)
def test_a_name_that_is_nearly_one_of_these_is_refused(given, meant):
    with pytest.raises(PluginError, match=f"metric x of y has the attribute {given}, .* did you mean '{meant}'"):
        check_traits(type("Misspelt", (Plain,), {given: True})(), "metric x of y")
    on_the_object = Plain()
    setattr(on_the_object, given, True)
    with pytest.raises(PluginError, match=re.escape(meant)):
        check_traits(on_the_object, "it")


class Own(Options):
    """Names of its own: an option, a private one, and one beside the trait that it is like."""

    samples: ClassVar[int] = 10
    sample: ClassVar[int] = 1
    _spread: ClassVar[float] = 0.5

    warning: float = 0.5


def test_options_private_names_and_names_beside_the_trait_are_the_authors_own():
    check_traits(Own(), "it")
    assert Traits.of(Own()).samples == 10


@pytest.mark.parametrize("name", [entry.name for entry in Registry.load(plugins=False).entries("metric")])
def test_no_metric_of_ganzoo_asks_for_fewer_than_it_needs(name):
    metric = Registry.load(plugins=False).get("metric", name).options()()
    check_traits(metric, name)
    assert Traits.of(metric).fewest_samples <= Traits.of(metric).samples
