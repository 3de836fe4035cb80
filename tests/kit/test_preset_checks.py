"""Each fault of a preset is caught by the check meant for it, and sound presets pass all checks."""

from __future__ import annotations

import importlib

import pytest

from ganzoo.component import Component
from ganzoo.registry import Entry
from ganzoo.testing import check_preset
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.calls import check_subject
from ganzoo.testing.subject import subject_of_entry

SMALL = """
# From nowhere.
discriminators: {patch: {name: patchgan-sn, ndf: 4}}
loss: {name: hinge}
"""

FAULTS = {
    "unknown-key": (SMALL + "begin: 3", "settings"),
    "wrong-value": (SMALL + "start: -1", "settings"),
    "unknown-balance": (SMALL + "balance: first-layer", "settings"),
    "twice": (SMALL + "loss: {name: bce}", "settings"),
    "no-source": (SMALL.replace("# From nowhere.", ""), "source"),
    "unknown-loss": (SMALL.replace("hinge", "hing"), "critics"),
    "unknown-option": (SMALL.replace("ndf", "ndff"), "critics"),
    "overflowing": (SMALL + "weight: 1.0e+300", "step"),
}


@pytest.fixture
def check(tmp_path, monkeypatch, request):
    package = f"presets_of_{abs(hash(request.node.name))}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()

    def checked(text):
        (tmp_path / package / "preset.yaml").write_text(text, encoding="utf-8")
        component = Component(kind="preset", name="mine", target=f"{package}:preset.yaml", summary="a preset")
        entry = Entry(component=component, distribution="ganzoo-mine", version="1.0", entry_point="mine")
        return check_subject(subject_of_entry(entry))

    return checked


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught(name, check):
    text, meant = FAULTS[name]
    report = check(text)
    assert meant in {outcome.check for outcome in report.outcomes if outcome.status == "failed"}
    assert not report.ok


@pytest.mark.parametrize("more", ["", "condition: true", "start: 10\ngenerator_start: 20", "balance: last-layer"])
def test_sound_preset_passes(more, check):
    check(SMALL + more).raise_if_failed()


def test_those_of_ganzoo_can_be_asked_for():
    check_preset("llamagen").raise_if_failed()


def test_every_check_of_presets_has_its_fault():
    own = {one.name for one in CHECKED["preset"].checks if not one.name.startswith("record-")}
    assert own == {meant for _, meant in FAULTS.values()}
