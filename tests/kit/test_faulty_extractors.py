"""Each fault of an extractor is caught by the check meant for it, and sound extractors pass all checks."""

from __future__ import annotations

import pytest
from faulty_extractors import FAULTS, SOUND, WeightsAway

from ganzoo.testing import check_extractor
from ganzoo.testing.by_kind import CHECKED


@pytest.mark.parametrize(("model", "check", "finding"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_fault_is_caught(model, check, finding):
    report = check_extractor(model)
    found = {outcome.check: outcome.detail for outcome in report.outcomes if outcome.status == "failed"}
    assert finding in found[check]
    assert not report.ok


@pytest.mark.parametrize("model", SOUND)
def test_sound_extractor_passes(model):
    check_extractor(model).raise_if_failed()


def test_weights_that_are_elsewhere_are_said_and_are_no_shortage():
    report = check_extractor(WeightsAway)
    skipped = [outcome.check for outcome in report.outcomes if outcome.detail == "its weights are missing"]
    assert len(skipped) == 11
    assert report.ok


def test_every_check_of_extractors_has_its_fault():
    of_options = {"record-", "options-", "tags-"}
    own = {one.name for one in CHECKED["extractor"].checks if not any(map(one.name.startswith, of_options))}
    assert own == {check for _, check, _ in FAULTS}
