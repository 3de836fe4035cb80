"""Each fault of an augmentation is caught by the check meant for it, and sound ones pass all checks."""

from __future__ import annotations

import pytest
from ganzoo_augmentations.ada import Ada
from ganzoo_augmentations.diffaugment import Diffaugment
from kit.faulty_augmentations import FAULTS, Brighter, Noise

from ganzoo.registry import Registry
from ganzoo.testing import check_augmentation
from ganzoo.testing.augmentations.situations import drawn, situations
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.running import outcome
from ganzoo.testing.subject import subject_of, subject_of_entry

ENTRIES = Registry.load(plugins=False).entries("augmentation")


OWN = {check.name: check for check in CHECKED["augmentation"].checks if check not in OPTIONS_CHECKS}


@pytest.mark.parametrize(
    ("options", "check", "finding"), FAULTS, ids=lambda value: getattr(value, "part", getattr(value, "__name__", value))
)
def test_fault_is_caught_by_the_check_meant_for_it(options, check, finding):
    found = outcome(OWN[check], subject_of("augmentation", options))
    assert found.status == "failed"
    assert finding in found.detail


@pytest.mark.parametrize("model", [Brighter, Noise])
def test_sound_augmentations_pass(model):
    check_augmentation(model).raise_if_failed()


@pytest.mark.parametrize("options", [Ada(fixed=0.5, groups=("color",)), Diffaugment(policy=("cutout",))])
def test_unusual_options_of_sound_augmentations_pass(options):
    check_augmentation(options).raise_if_failed()


def test_every_check_of_augmentations_has_its_fault():
    assert OWN.keys() == {check for _, check, _ in FAULTS}


def test_what_adapts_is_checked_after_it_has():
    """ADA begins with images as they are, where nothing could go wrong."""
    subject = subject_of_entry(Registry.load(plugins=False).get("augmentation", "ada"))
    probabilities = {part.observed()["augment/p"].item() for _, part, _ in situations(subject)}
    assert probabilities == {0.0, 1.0}
    assert all(drawn(part, 2).shape[1] for _, part, _ in situations(subject))
