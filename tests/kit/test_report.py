"""What a report says, and when it is one of failure."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from kit.faulty_losses import Clamped, Sound

from ganzoo.testing import CheckReport, Failed, check_loss
from ganzoo.testing.check import Check, NotHere, demand
from ganzoo.testing.running import report_on
from ganzoo.testing.subject import subject_of

PASSES = Check(name="passes", run=lambda subject: None, cites="module:Name", sentence="All is well.")
FAILS = Check(
    name="fails", run=lambda subject: demand(False, "3 instead of 2"), cites="module:Name", sentence="It is 2."
)
SKIPPED = Check(
    name="skipped", run=FAILS.run, cites="module:Name", sentence="It is 2.", skip=lambda subject: "it has none"
)


def report(*checks, at_least=0, **expected_failures) -> CheckReport:
    subject = subject_of("loss", Sound, expected_failures=expected_failures)
    return report_on(subject, checks, at_least=at_least)


def test_what_passed_is_counted_and_not_listed():
    found = report(PASSES, SKIPPED)
    assert found.ok
    assert str(found).splitlines() == [
        "loss Sound: ok, 1 check ran, 1 skipped, 0 expected failures",
        "  skipped  skipped: it has none",
    ]
    found.raise_if_failed()


def test_failure_says_what_was_found_and_which_sentence_it_breaks():
    found = report(PASSES, FAILS)
    assert not found.ok
    assert str(found).splitlines() == [
        "loss Sound: 1 failed, 2 checks ran, 0 skipped, 0 expected failures",
        "  failed  fails: 3 instead of 2",
        "    module:Name says: It is 2.",
    ]
    with pytest.raises(Failed, match="3 instead of 2"):
        found.raise_if_failed()


def test_expected_failure_is_no_failure_and_is_shown():
    found = report(PASSES, FAILS, fails="as the paper has it")
    assert found.ok
    assert str(found).splitlines() == [
        "loss Sound: ok, 2 checks ran, 0 skipped, 1 expected failure",
        "  expected failure  fails: as the paper has it (3 instead of 2)",
    ]


def test_expected_failure_that_passes_is_a_failure():
    found = report(PASSES, passes="once it did not")
    assert not found.ok
    assert str(found).splitlines()[:2] == [
        "loss Sound: 1 failed, 1 check ran, 0 skipped, 0 expected failures",
        "  unexpected pass  passes: it was expected to fail (once it did not), and does not",
    ]


def test_expected_failure_of_no_check_is_a_failure_with_the_nearest_name():
    found = report(PASSES, pases="a slip")
    assert not found.ok
    assert "  failed  expected-failures: there is no check 'pases'; did you mean 'passes'?" in str(found)


def test_expected_failure_of_a_check_that_does_not_apply_is_a_failure():
    found = report(PASSES, SKIPPED, skipped="it used to")
    assert not found.ok
    assert "  failed  expected-failures: skipped is expected to fail, and does not apply: it has none" in str(found)


def test_expected_failure_of_a_check_that_cannot_run_here_is_none():
    """A record is published for machines that have more packages, too."""
    not_here = replace(SKIPPED, skip=lambda subject: NotHere("a package is missing"))
    found = report(PASSES, not_here, skipped="known")
    assert found.ok
    assert "  skipped  skipped: a package is missing" in str(found)


def test_lines_name_on_demand_also_what_passed():
    assert list(report(PASSES).lines())[1:] == []
    assert list(report(PASSES).lines(verbose=True))[1:] == ["  passed  passes"]


def test_more_lines_of_a_finding_are_indented():
    fails = replace(FAILS, run=lambda subject: demand(False, "first\nsecond"))
    assert list(report(fails).lines())[1:] == [
        "  failed  fails: first",
        "    second",
        "    module:Name says: It is 2.",
    ]


def test_too_few_checks_are_a_failure():
    found = report(PASSES, SKIPPED, at_least=2)
    assert not found.ok
    assert str(found).splitlines()[0] == "loss Sound: too few checks ran, 1 check ran, 1 skipped, 0 expected failures"
    assert str(found).splitlines()[-1] == "  too few checks ran: 1 of at least 2"
    assert report(PASSES, SKIPPED, at_least=1).ok


def test_report_as_json():
    found = report(PASSES, FAILS, SKIPPED)
    data = json.loads(json.dumps(found.as_dict()))
    assert (data["component"], data["kind"], data["ran"], data["ok"]) == ("Sound", "loss", 2, False)
    assert [one["status"] for one in data["outcomes"]] == ["passed", "failed", "skipped"]
    assert data["outcomes"][1] == {
        "check": "fails",
        "status": "failed",
        "detail": "3 instead of 2",
        "cites": "module:Name",
        "sentence": "It is 2.",
    }


def test_a_loss_may_be_known_to_fail():
    expected = {
        "generator-alive": "so it was published",
        "tag-saturating": "the tag would hide that it is not meant to",
    }
    assert not check_loss(Clamped).ok
    found = check_loss(Clamped, expected_failures=expected)
    assert found.ok, str(found)
    assert found.summary().endswith("2 expected failures")


def test_name_of_options_says_how_they_are_not_the_default():
    assert subject_of("loss", Sound(center=2.0)).name == "Sound(center=2.0)"
    assert subject_of("loss", Sound(center=0.0)).name == "Sound"
