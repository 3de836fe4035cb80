"""The checks of what every component has, and of records."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kit.faulty_losses import Sound

from ganzoo.component import Component, Options, RegularizerOptions
from ganzoo.registry import Entry, Registry
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.running import outcome
from ganzoo.testing.subject import subject_of, subject_of_entry

BY_NAME = {check.name: check for check in OPTIONS_CHECKS}
RECORD = Component(kind="loss", name="sound", target="kit.faulty_losses:Sound", summary="sound")


def of_record(check, **fields):
    entry = Entry(component=replace(RECORD, **fields), distribution="mine", version="1.0", entry_point="main")
    return outcome(BY_NAME[check], subject_of_entry(entry))


def test_sound_record_passes_and_options_alone_have_none():
    assert of_record("record-tags").status == of_record("record-suggestions").status == "passed"
    assert outcome(BY_NAME["record-tags"], subject_of("loss", Sound)).status == "skipped"


def test_record_that_says_other_tags_than_the_options():
    found = of_record("record-tags", tags=frozenset({"paired"}))
    assert (found.status, found.detail) == ("failed", "the record says ['paired'], the default options say []")


@pytest.mark.parametrize(
    "suggests", [{"train.n_critik": 5}, {"train.n_critic": "many"}, {"nowhere": 1}], ids=lambda one: next(iter(one))
)
def test_suggestion_that_is_no_configuration(suggests):
    assert of_record("record-suggestions", suggests=suggests).status == "failed"


def test_suggestion_that_is_configuration():
    suggests = {"train.n_critic": 5, "regularizers.gradient-penalty.weight": 10.0}
    assert of_record("record-suggestions", suggests=suggests).status == "passed"


def test_docstring_of_a_base_class_describes_nothing():
    class Bare(RegularizerOptions):
        pass

    found = outcome(BY_NAME["options-described"], subject_of("regularizer", Bare))
    assert (found.status, found.detail) == ("failed", "Bare has no docstring")


def test_resolve_must_return_options_of_the_same_class():
    class Forgetful(Options):
        """Returns nothing."""

        def resolve(self, spec):
            return None

    found = outcome(BY_NAME["options-resolve"], subject_of("loss", Forgetful))
    assert (found.status, found.detail) == ("failed", "resolve() returns NoneType")


@pytest.mark.parametrize(
    "entry",
    [
        entry
        for entry in Registry.load(plugins=False).entries()
        if entry.kind in ("regularizer", "augmentation", "metric")
    ],
    ids=lambda entry: f"{entry.kind}-{entry.name}",
)
def test_first_party_options_hold(entry):
    subject = subject_of_entry(entry)
    found = {check.name: outcome(check, subject).detail for check in OPTIONS_CHECKS}
    assert {name: detail for name, detail in found.items() if detail} == {}
