"""Each fault of a network is caught by the check meant for it, and sound networks pass all checks."""

from __future__ import annotations

import pytest
from faulty_networks import DISCRIMINATORS, GENERATORS, SOUND_DISCRIMINATORS, SOUND_GENERATORS

from ganzoo.registry import Registry
from ganzoo.testing import check_discriminator, check_generator
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.running import outcome
from ganzoo.testing.subject import subject_of

FAULTS = [("discriminator", *fault) for fault in DISCRIMINATORS] + [("generator", *fault) for fault in GENERATORS]
FIRST_PARTY = [
    entry for entry in Registry.load(plugins=False).entries() if entry.kind in ("discriminator", "generator")
]


def named(value) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize(("kind", "model", "check"), FAULTS, ids=named)
def test_fault_is_caught(kind, model, check):
    (meant,) = (one for one in CHECKED[kind].checks if one.name == check)
    found = outcome(meant, subject_of(kind, model))
    assert found.status == "failed"
    assert found.detail


def test_fault_is_in_the_report():
    model, check = DISCRIMINATORS[-1]
    report = check_discriminator(model)
    assert [outcome.check for outcome in report.outcomes if outcome.status == "failed"] == [check]
    assert not report.ok


@pytest.mark.parametrize("model", SOUND_DISCRIMINATORS, ids=named)
def test_sound_discriminator_passes(model):
    check_discriminator(model).raise_if_failed()


@pytest.mark.parametrize("model", SOUND_GENERATORS, ids=named)
def test_sound_generator_passes(model):
    check_generator(model).raise_if_failed()


def test_every_check_has_its_fault():
    of_options = {"record-", "options-closed", "options-described", "options-round", "options-p", "options-r", "tags-"}
    names = {one.name for kind in ("discriminator", "generator") for one in CHECKED[kind].checks}
    own = {name for name in names if not any(map(name.startswith, of_options))}
    assert own == {check for _, check in DISCRIMINATORS + GENERATORS}
