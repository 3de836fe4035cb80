"""The checks of what every component has, and of records."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import ClassVar

import pytest
from kit.faulty_losses import Sound
from pydantic import ConfigDict, Field, field_validator

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


class Open(Options):
    """Takes whatever it is given."""

    model_config = ConfigDict(extra="ignore")


class Mutable(Options):
    """Changes in a run."""

    model_config = ConfigDict(frozen=False)


class Silent(Options):
    """Does not say what its option is."""

    depth: int = 1


class NotANumber(Options):
    """Any slope will do."""

    slope: float = Field(default=1.0, allow_inf_nan=True, description="a slope")


class Halved(Options):
    """Each reading halves what was written."""

    slope: float = Field(default=1.0, ge=0, le=1, description="a slope")

    @field_validator("slope")
    @classmethod
    def _half(cls, slope):
        return slope / 2


class FickleTags(Options):
    """Other tags at every call."""

    _calls: ClassVar = count()

    def tags(self):
        return frozenset({("saturating", "paired")[next(self._calls) % 2]})


class Local(Options):
    """Holds what is of this process only."""

    def __reduce__(self):
        raise TypeError("of this process")


class LosesOnPickling(Options):
    """Forgets its option on the way to another process."""

    depth: int = Field(default=1, description="a depth")

    def __reduce__(self):
        return (type(self), ())


class Overrules(Options):
    """Knows better than its user."""

    depth: int = Field(default=1, description="a depth")

    def resolve(self, spec):
        return self.model_copy(update={"depth": 2})


class NeverDone(Options):
    """Fills its gap in anew each time."""

    depth: int | None = Field(default=None, description="a depth")
    filled: int | None = Field(default=None, description="another")

    def resolve(self, spec):
        return self.model_copy(update={"filled": 1} if self.depth else {"depth": 1})


class Misspelled(Options):
    """A slip of the pen."""

    def tags(self):
        return frozenset({"neds_labels"})


class OfAnotherKind(Options):
    """A loss that says it gives a map of logits, if asked to."""

    patches: bool = Field(default=False, description="whether")

    def tags(self):
        return frozenset({"patch"}) if self.patches else frozenset()


FAULTS = [
    (Open, "options-closed", "its model_config has extra='ignore'"),
    (Mutable, "options-closed", "its model_config is not frozen"),
    (Silent, "options-described", "without description: depth"),
    (NotANumber, "options-round-trip", "slope=nan); NaN is unequal to itself: allow_inf_nan=False for slope"),
    (Halved, "options-round-trip", "comes back from JSON as Halved(slope=0."),
    (FickleTags, "options-round-trip", "are not the same twice"),
    (Local, "options-pickle", "of this process"),
    (LosesOnPickling, "options-pickle", "comes back from pickle as LosesOnPickling(depth=1)"),
    (Overrules, "options-resolve", "changes depth of Overrules(depth=1)"),
    (NeverDone, "options-resolve", "changes its own answer"),
    (Misspelled, "tags-known", "there is no tag 'neds_labels'; did you mean 'needs_labels'?"),
    (OfAnotherKind, "tags-known", "with patches=True: no tags of a loss: patch"),
]


@pytest.mark.parametrize(("options", "check", "told"), FAULTS, ids=[options.__name__ for options, *_ in FAULTS])
def test_fault_is_caught(options, check, told):
    chosen = LosesOnPickling(depth=2) if options is LosesOnPickling else options
    subject = subject_of("loss", chosen)
    found = {name: outcome(one, subject) for name, one in BY_NAME.items()}
    assert [name for name, one in found.items() if one.status == "failed"] == [check]
    assert told in found[check].detail


def test_every_check_of_options_has_its_fault():
    assert {name for name in BY_NAME if not name.startswith("record-")} == {check for _, check, _ in FAULTS}


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
