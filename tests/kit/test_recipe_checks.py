"""Each fault of a recipe is caught by the check meant for it, and sound recipes pass all checks."""

from __future__ import annotations

import importlib

import pytest

from ganzoo.component import Component
from ganzoo.errors import UnknownNameError
from ganzoo.registry import Entry, Registry
from ganzoo.testing import check_recipe
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.calls import check_subject
from ganzoo.testing.subject import subject_of_entry

SMALL = """
version: 1
loss: hinge
discriminator: {name: patchgan-sn, ndf: 4}
generator: {name: dcgan, ngf: 4}
train: {steps: 10, batch_size: 4}
"""

SOUND = {
    "no-data": SMALL,
    "bundled-data": SMALL + "data: {name: digits, image_size: 16}",
    "folder-to-be-given": SMALL + "data: {name: folder, image_size: 16, channels: 3}",
    "its-own-split": SMALL + "data: {name: csv, image_size: 16, split: val, label_column: species}",
    "points": "loss: bce\ndata: ring\nmetrics: mode-coverage",
}

FAULTS = {
    "empty": ("# nothing", "yaml"),
    "twice": (SMALL + "loss: wgan", "yaml"),
    "anchors": ("loss: &loss hinge\nseed: 1", "yaml"),
    "list": ("- hinge", "yaml"),
    "unknown-section": (SMALL + "optimiser: adam", "configuration"),
    "unknown-key": (SMALL.replace("steps", "step"), "configuration"),
    "wrong-value": (SMALL.replace("steps: 10", "steps: -1"), "configuration"),
    "unknown-loss": (SMALL.replace("hinge", "hing"), "components"),
    "unknown-regularizer": (SMALL + "regularizers: {r3: {weight: 1.0}}", "components"),
    "unknown-option": (SMALL.replace("ndf", "ndff"), "options"),
    "wrong-option": (SMALL + "regularizers: {r1: {weight: -1.0}}", "options"),
    "points-for-images": (SMALL + "data: ring", "plan"),
    "odd-size": (SMALL + "data: {name: digits, image_size: 9}", "plan"),
    "modes-of-digits": (SMALL + "metrics: mode-coverage", "plan"),
    "my-folder": (SMALL + "data: {name: folder, path: /home/me/pictures}", "portable"),
    "my-home": (SMALL + "data: {name: folder, path: ~/pictures}", "portable"),
    "my-drive": (SMALL + "data: {name: folder, path: 'D:\\pictures'}", "portable"),
    "my-card": (SMALL + "runtime: {device: 'cuda:1'}", "portable"),
    "my-threads": (SMALL + "runtime: {threads: 48}", "portable"),
}


def of_mine(component: Component) -> Entry:
    return Entry(component=component, distribution="ganzoo-mine", version="1.0", entry_point="mine")


@pytest.fixture
def check(tmp_path, monkeypatch, request):
    """Check a text as the recipe of an installed package."""
    package = f"recipes_of_{abs(hash(request.node.name))}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()

    def checked(text):
        (tmp_path / package / "recipe.yaml").write_text(text, encoding="utf-8")
        component = Component(kind="recipe", name="mine", target=f"{package}:recipe.yaml", summary="a recipe")
        return check_subject(subject_of_entry(of_mine(component)))

    return checked


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught(name, check):
    text, meant = FAULTS[name]
    report = check(text)
    assert meant in {outcome.check for outcome in report.outcomes if outcome.status == "failed"}
    assert not report.ok


@pytest.mark.parametrize("name", SOUND)
def test_sound_recipe_passes(name, check):
    check(SOUND[name]).raise_if_failed()


def test_deprecated_component_is_found(check, monkeypatch):
    load = Registry.load

    def with_an_old_loss():
        entries = load(plugins=False).entries()
        old = Component(kind="loss", name="old", target="ganzoo_losses.hinge:Hinge", summary="", deprecated_for="hinge")
        return Registry([*entries, of_mine(old)])

    monkeypatch.setattr(Registry, "load", with_an_old_loss)
    report = check(SMALL.replace("hinge", "old"))
    assert [outcome.detail for outcome in report.outcomes if outcome.check == "components"] == [
        "loss old is deprecated: name hinge"
    ]


def test_a_failure_that_was_expected():
    report = check_recipe("sn-hinge", expected_failures={"plan": "of a test"})
    assert [outcome.check for outcome in report.outcomes if outcome.status == "unexpected pass"] == ["plan"]


def test_unknown_recipe():
    with pytest.raises(UnknownNameError):
        check_recipe("no-such-recipe")


def test_every_check_of_recipes_has_its_fault():
    own = {one.name for one in CHECKED["recipe"].checks if not one.name.startswith("record-")}
    assert own == {meant for _, meant in FAULTS.values()}
