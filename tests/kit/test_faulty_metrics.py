"""Each fault of a metric is caught by the check meant for it, and sound metrics pass all checks."""

from __future__ import annotations

import pytest
from faulty_metrics import FAULTS, SOUND

from ganzoo.registry import Registry
from ganzoo.testing import check_metric
from ganzoo.testing.by_kind import CHECKED

METRICS = Registry.load(plugins=False).entries("metric")


@pytest.mark.parametrize(("model", "check", "finding"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_fault_is_caught(model, check, finding):
    report = check_metric(model)
    found = {outcome.check: outcome.detail for outcome in report.outcomes if outcome.status == "failed"}
    assert finding in found[check]
    assert not report.ok


@pytest.mark.parametrize("model", SOUND)
def test_sound_metric_passes(model):
    check_metric(model).raise_if_failed()


def test_every_check_of_metrics_has_its_fault():
    of_options = {"record-", "options-", "tags-"}
    own = {one.name for one in CHECKED["metric"].checks if not any(map(one.name.startswith, of_options))}
    assert own == {check for _, check, _ in FAULTS}
