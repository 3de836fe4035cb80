"""Each fault of a network is caught by the check meant for it, and sound networks pass all checks."""

from __future__ import annotations

import pytest
from faulty_networks import (
    DISCRIMINATORS,
    GENERATORS,
    SOUND_DISCRIMINATORS,
    SOUND_GENERATORS,
    UNSAID,
    UNTRUE,
    EnergyUnsaid,
    NeverContent,
)

from ganzoo.testing import check_discriminator, check_generator
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.running import outcome
from ganzoo.testing.subject import subject_of

FAULTS = [("discriminator", *fault) for fault in DISCRIMINATORS] + [("generator", *fault) for fault in GENERATORS]
BOTH = {"discriminator": DISCRIMINATORS, "generator": GENERATORS}


def named(value) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(("kind", "model", "check", "finding"), FAULTS, ids=named)
def test_fault_is_caught(kind, model, check, finding):
    (meant,) = (one for one in CHECKED[kind].checks if one.name == check)
    found = outcome(meant, subject_of(kind, model))
    assert found.status == "failed"
    assert finding in found.detail


def failed(report) -> list[str]:
    return [outcome.check for outcome in report.outcomes if outcome.status == "failed"]


def test_fault_is_in_the_report():
    report = check_discriminator(EnergyUnsaid)
    assert failed(report) == ["tag-energy"]
    assert not report.ok


def test_that_nothing_is_taken_is_said_once():
    report = check_discriminator(NeverContent)
    assert failed(report) == ["shapes"]
    skipped = {outcome.detail for outcome in report.outcomes if outcome.cites.startswith("ganzoo.protocols:")}
    assert "it takes data of no usual size" in skipped


@pytest.mark.parametrize(
    ("check_network", "model"), [(check_discriminator, DISCRIMINATORS[0][0]), (check_generator, GENERATORS[0][0])]
)
def test_that_nothing_is_finite_is_said_once(check_network, model):
    report = check_network(model)
    assert failed(report) == ["finite"]
    assert "it gives numbers that are not finite" in {outcome.detail for outcome in report.outcomes}


@pytest.mark.parametrize("model", SOUND_DISCRIMINATORS, ids=named)
def test_sound_discriminator_passes(model):
    check_discriminator(model).raise_if_failed()


@pytest.mark.parametrize("model", SOUND_GENERATORS, ids=named)
def test_sound_generator_passes(model):
    check_generator(model).raise_if_failed()


@pytest.mark.parametrize("kind", BOTH)
def test_every_check_has_its_fault(kind):
    own = {one.name for one in CHECKED[kind].checks} - {one.name for one in OPTIONS_CHECKS}
    assert own == {check for _, check, _ in BOTH[kind]}


@pytest.mark.parametrize("kind", BOTH)
def test_every_tag_has_its_faults_in_both_directions(kind):
    tags = {one.name for one in CHECKED[kind].checks if one.name.startswith("tag-")}
    for direction in (UNSAID, UNTRUE):
        assert tags == {check for _, check, finding in BOTH[kind] if finding == direction}
