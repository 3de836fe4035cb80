from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from example_scripts import EXAMPLES, load, run

from ganzoo.registry import Registry

RECIPES = [entry.name for entry in Registry.load(plugins=False).entries("recipe")]

pytestmark = pytest.mark.xdist_group("recipes example")  # one process makes what they share


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipes")
    command = ("recipes.py", "--steps", 2, "--recipes", "gan", "patchgan-sn-hinge", "cgan", "--workers", 1)
    done = run(*command, "--out", "runs", "--figures", "recipes.md", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder, command, done


def cells(page):
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def test_it_writes_a_table_of_what_was_measured(made):
    folder, _, done = made
    printed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    page = (folder / "recipes.md").read_text()
    gan, patch, cgan = cells(page)
    assert [row["recipe"] for row in (gan, patch, cgan)] == ["gan", "patchgan-sn-hinge", "cgan"]
    assert (gan["made smaller"], gan["steps"], gan["images seen"], gan["as asked"]) == ("–", "2", "200", "–")
    assert "generator.ngf 16" in patch["made smaller"]
    assert "discriminator.n_layers 1" in patch["made smaller"]
    # Hardly trained: the digit is not the one that was asked for, but for chance.
    assert 0 <= float(cgan["as asked"]) < 0.5
    for shown, row in zip((gan, patch, cgan), printed, strict=True):
        assert float(shown["confident"]) == round(row["confident"], 3)
        assert float(shown["rarest digit"]) <= 0.1 <= float(shown["commonest digit"])
    assert "`unrolled` makes points" in page
    assert "2 generator steps" in page


def test_what_is_there_is_not_made_again(made):
    folder, command, first = made
    for result in (folder / "runs").glob("*.json"):
        known = json.loads(result.read_text())
        result.write_text(json.dumps({**known, "confident": 0.125}))
    again = run(*command, "--out", "runs", "--figures", "again.md", cwd=folder)
    assert (again.returncode, again.stderr) == (0, "")
    assert [row["confident"] for row in cells((folder / "again.md").read_text())] == ["0.125"] * 3
    assert len([path for path in (folder / "runs").iterdir() if path.is_dir()]) == 3
    assert "0.125" not in first.stdout


@pytest.mark.parametrize("name", RECIPES, ids=lambda name: f"recipe-{name}")
def test_a_recipe_of_images_is_in_it(monkeypatch, name):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    lacking = f"OVERRIDES in examples/recipes.py lacks {name}: add what is to be smaller on a CPU, or {{}}"
    assert name in load("recipes.py").OVERRIDES or name == "unrolled", lacking


def test_every_recipe_of_images_is_in_it_and_keeps_its_rates(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    overrides = load("recipes.py").OVERRIDES
    assert set(overrides) == set(RECIPES) - {"unrolled"}
    smaller = {path for changes in overrides.values() for path in changes}
    assert smaller == {
        "generator.latent",
        "generator.ngf",
        "generator.width",
        "discriminator.width",
        "train.accumulate",
        "discriminator.ndf",
        "discriminator.n_layers",
        "data.image_size",
        "train.batch_size",
    }


def test_a_run_that_diverges_is_a_row_of_the_table_too(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    example = load("recipes.py")
    monkeypatch.setattr(example, "judge", lambda: SimpleNamespace(accuracy=1.0, confident_on_real=1.0))
    monkeypatch.setitem(example.OVERRIDES, "gan", {"train.d_lr": 1e30, "train.batch_size": 4})
    row = example.measured("gan", 0, 1.0, 5, tmp_path)
    assert "not finite at step" in row["diverged"]
    assert example.measured("gan", 0, 1.0, 5, tmp_path) == row
    page = example.page([row], SimpleNamespace(steps=5, seconds=1.0, workers=1))
    (shown,) = cells(page)
    assert shown["steps"].startswith("diverged: term adversarial of the ")


def test_the_time_decides_the_steps_by_a_warm_up(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    example = load("recipes.py")
    monkeypatch.setattr(example, "WARM_UP", 0.0)
    seconds = example.seconds_per_step(example.planned("relativistic", 0, steps=10**9))
    assert 1e-4 < seconds < 10
