"""Each fault of a loss is caught by the check that is meant for it, and sound losses pass all of them."""

from __future__ import annotations

import math

import pytest
from kit.faulty_losses import FAULTS, SOUND, Sound, Swapped

from ganzoo.errors import ConfigError
from ganzoo.testing import Reference, check_loss
from ganzoo.testing.losses.checks import LOSSES
from ganzoo.testing.losses.tags import MEASURES
from ganzoo.testing.running import outcome
from ganzoo.testing.subject import subject_of

AT_ZERO = {"d": 2 * math.log(2), "g": math.log(2)}
BY_NAME = {check.name: check for check in LOSSES.checks}


def statuses(report):
    return {outcome.check: outcome.status for outcome in report.outcomes}


@pytest.mark.parametrize("options", SOUND, ids=lambda options: options.__name__)
def test_sound_losses_pass(options):
    report = check_loss(options)
    assert report.ok, str(report)
    assert set(statuses(report).values()) == {"passed", "skipped"}


@pytest.mark.parametrize(("options", "check", "says"), FAULTS.values(), ids=FAULTS)
def test_fault_is_caught_by_the_check_meant_for_it(options, check, says):
    found = outcome(BY_NAME[check], subject_of("loss", options))
    assert found.status == "failed"
    assert says in found.detail


def test_every_check_has_a_fault_that_it_is_meant_for():
    """But those of records and of reference values, which have tests of their own."""
    without = BY_NAME.keys() - {check for _, check, _ in FAULTS.values()}
    assert {name for name in without if not name.startswith("record-")} == {"reference-values"}


@pytest.mark.parametrize("tag", MEASURES)
def test_tag_is_missed_where_it_is_so_and_refused_where_it_is_not(tag):
    found = {says for _, check, says in FAULTS.values() if check == f"tag-{tag.replace('_', '-')}"}
    assert found == {"is missing", "is carried"}


def test_a_fault_leaves_the_other_checks_their_say():
    report = check_loss(Swapped)
    assert statuses(report)["gradient-signs"] == "failed"
    assert statuses(report)["finite"] == "passed"
    assert "near zero D's gradient at real logits is 0.08" in str(report)


def reference(d=AT_ZERO["d"], g=AT_ZERO["g"]):
    return Reference(real=[0.0, 0.0], fake=[0.0], d=d, g=g)


def test_reference_values_hold():
    assert statuses(check_loss(Sound))["reference-values"] == "skipped"
    assert statuses(check_loss(Sound, reference=[reference(), reference(g=None)]))["reference-values"] == "passed"
    moved = Reference(real=[3.0], fake=[1.0], d=2 * math.log1p(math.exp(-1)))
    assert check_loss(Sound(center=2.0), reference=[moved]).ok


@pytest.mark.parametrize("wrong", [{"d": math.log(2)}, {"g": 0.6931}])
def test_wrong_reference_value_is_caught(wrong):
    report = check_loss(Sound, reference=[reference(), reference(**wrong)])
    assert statuses(report)["reference-values"] == "failed"
    [(key, value)] = wrong.items()
    assert f"{key.upper()} is " in str(report)
    assert f"and should be {value} at real [0.0, 0.0], fake [0.0]" in str(report)


def test_reference_that_says_nothing_is_refused():
    with pytest.raises(ConfigError, match="says nothing"):
        Reference(real=[0.0], fake=[0.0])
