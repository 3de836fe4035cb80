"""The example that looks for the setting that is good soonest: what it says of runs, and one that is hardly trained."""

from __future__ import annotations

import json
import math
import sys
from types import SimpleNamespace

import pytest
from example_scripts import EXAMPLES, load


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return load("time_to_quality.py")


class Judge:
    """Sees in everything the ten digits alike."""

    accuracy = 0.5

    def __call__(self, pixels):
        assert pixels.shape == (20, 1, 32, 32)
        return SimpleNamespace(ratio=0.5, shares=(0.1,) * 10)


def measured(example, *looks, name="one"):
    return example.Measured(name, 100, 9, 32, tuple(example.Look(*look) for look in looks))


def test_a_run_is_measured_goes_on_and_is_not_measured_twice(example, monkeypatch, tmp_path):
    tiny = {"generator.ngf": 4, "discriminator.ndf": 4, "discriminator.n_layers": 1, "train.batch_size": 4}
    monkeypatch.setitem(example.CANDIDATES, "default", tiny)
    monkeypatch.setattr(example, "LOOK", 0.05)
    monkeypatch.setattr(example, "SAMPLES", 20)
    monkeypatch.setattr(example, "judge", Judge)
    figures, rows = tmp_path / "page.md", tmp_path / "rows.jsonl"
    asked = ["--only", "default", "--seeds", "100", "--first", "0.05", "--whole", "0.2", "--kept", "1"]
    monkeypatch.setattr(sys, "argv", ["x", *asked, "--rows", str(rows), "--figures", str(figures)])
    example.main()
    first, whole = (json.loads(line) for line in rows.read_text().splitlines())
    assert whole["looks"][: len(first["looks"])] == first["looks"]
    seconds, steps = ([look[key] for look in whole["looks"]] for key in ("seconds", "step"))
    assert seconds == sorted(seconds)
    assert steps == sorted(set(steps))
    assert seconds[-1] >= 0.2 or steps[-1] == whole["planned"]
    page = figures.read_text()
    assert "| default | 100 | " in page
    assert "judge: trained with seed 1" in page
    example.main()
    assert len(rows.read_text().splitlines()) == 2, "nothing was measured again"


def test_good_is_where_a_line_between_looks_says(example):
    run = measured(example, (10, 1, 0.6, 0.05), (20, 2, 1.0, 0.05))
    assert run.until_good == 15
    assert measured(example, (10, 1, 0.6, 0.05)).until_good == math.inf


def test_blobs_that_the_judge_takes_for_one_digit_are_not_good(example):
    assert measured(example, (10, 1, 1.0, 0.0), (20, 2, 0.7, 0.05)).until_good == math.inf
    assert measured(example, (10, 1, 1.0, 0.0), (20, 2, 0.9, 0.05)).until_good == 20


def test_the_soonest_is_first_and_then_the_best_of_those_that_never_are(example):
    runs = [
        measured(example, (10, 1, 0.5, 0.05), name="poor"),
        measured(example, (10, 1, 0.7, 0.05), name="better"),
        measured(example, (10, 1, 0.3, 0.05), (20, 2, 0.9, 0.05), name="late"),
        measured(example, (10, 1, 0.8, 0.05), name="soon"),
    ]
    assert [run.candidate for run in example.ranked(runs)] == ["soon", "late", "better", "poor"]


def test_a_run_that_diverges_is_a_row_of_the_table_too(example, monkeypatch):
    wild = {"train.d_lr": 1e30, "train.batch_size": 4, "generator.ngf": 4, "discriminator.ndf": 4}
    monkeypatch.setitem(example.CANDIDATES, "default", wild)
    monkeypatch.setattr(example, "seconds_per_step", lambda values, seed: 0.01)
    run = example.Trial("default", 100, 1.0).go_on(1.0)
    assert "not finite at step" in run.diverged
    assert run.until_good == math.inf
    assert "not finite" in example.table_row(run)
