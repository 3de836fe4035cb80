from __future__ import annotations

import json

import pytest
import torch
from example_scripts import load, run

QUICK = ("--gan-steps", 1, "--samples", 2, "--updates", 2, "--seeds", 2, "--figures", "page.md", "--out", "out")


@pytest.fixture(scope="module")
def example():
    return load("does_augmentation_help.py")


def test_it_writes_a_page_and_does_nothing_twice(tmp_path):
    done = run("does_augmentation_help.py", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| real and samples of the GAN |" in page
    assert page.count("\n- ") >= 9
    train = tmp_path / "out" / "digits-20-0" / "train"
    assert {path.name: len(list(path.iterdir())) for path in train.iterdir()}["8"] == 20
    # Measured before: nothing is trained or measured again, and a seed that is not done yet uses the run that is there.
    (tmp_path / "out" / "seed-1.json").unlink()
    again = run("does_augmentation_help.py", *QUICK, cwd=tmp_path)
    assert "seed 0" not in again.stdout
    assert "seed 1" in again.stdout
    assert len(list((tmp_path / "out" / "runs-20-1-1").glob("0*"))) == 1
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


def test_so_many_of_the_rare_classes_drawn_by_seed(example):
    labels = torch.tensor([3, 8, 1] * 30)
    kept, other = example.kept_of(labels, 20, 0), example.kept_of(labels, 20, 1)
    assert torch.bincount(labels[kept]).tolist() == [0, 30, 0, 20, 0, 0, 0, 0, 20]
    assert kept != other


def test_intervals_are_students_and_changes_are_taken_seed_by_seed(example):
    assert example.interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 4.302653 / 3**0.5), rel=1e-3)
    found = [
        {name: {"all": base + plus, "3": 0.5, "8": 0.5} for name, plus in zip(example.ROWS, pluses, strict=True)}
        for base, pluses in ((0.2, (0.0, 0.1, -0.1, 0.3)), (0.7, (0.0, 0.1, -0.1, -0.3)))
    ]
    said = list(example.verdict(found))
    assert [line.partition(": ")[2].split(" (")[0] for line in said] == [
        "helps",
        "harms",
        "cannot be told from no change",
    ]


def test_results_of_other_settings_are_not_taken(example, tmp_path, monkeypatch):
    options = example.argparse.Namespace(out=tmp_path, figures=None, seeds=2, few=20, gan_steps=1, updates=3)
    settings = {"few": 20, "gan_steps": 1, "updates": 2}
    (tmp_path / "seed-0.json").write_text(json.dumps({"settings": settings, "found": {"old": 1}}), encoding="utf-8")
    monkeypatch.setattr(example, "reduced", lambda *given: None)
    monkeypatch.setattr(example, "trained", lambda *given: None)
    monkeypatch.setattr(example, "compared", lambda *given: {"new": 1})
    assert example.of_seed(0, options) == {"new": 1}
