"""What piles up in a long run lies farther apart the longer it gets, whether or not it was ever stopped."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from comparing import assert_same_outcome
from hypothesis import given
from hypothesis import strategies as st

import ganzoo
from ganzoo.component import Component, TrackerOptions
from ganzoo.protocols import Tracker
from ganzoo.registry import Entry, Registry
from ganzoo.runs import session, watch
from ganzoo.screen import Screen
from ganzoo.training import spacing

MOST = 8
RING = {
    "loss": "hinge",
    "discriminator": {"name": "mlp", "width": 8},
    "generator": {"name": "mlp", "width": 8, "latent": 2},
    "data": {"name": "ring", "n": 64},
    "train": {"steps": 83, "batch_size": 8, "checkpoint_every": 20, "sample_every": 5, "log_every": 2},
    "runtime": {"device": "cpu", "threads": 1},
}
ROWS = [2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 83]
PICTURES = [0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 83]


@given(every=st.integers(1, 9), half=st.integers(1, 10), steps=st.integers(1, 2000))
def test_there_are_few_of_them_and_they_begin_close_together(every, half, steps):
    most = 2 * half
    due = [step for step in range(1, steps + 1) if spacing.is_due(step, every, most)]
    dense = list(range(every, steps + 1, every))
    assert due[:most] == dense[:most]
    assert set(due) <= set(dense)
    times = max(1.0, steps / (every * most))
    assert len(due) <= most + half * math.ceil(math.log2(times))
    gaps = [later - earlier for earlier, later in pairwise(due)]
    assert gaps == sorted(gaps) == [spacing.apart(later, every, most) for later in due[1:]]


class Told(Tracker):
    def __init__(self):
        self.rows, self.pictures = [], []

    def log(self, row):
        self.rows.append(row["step"])

    def picture(self, step, path):
        assert path.exists()
        self.pictures.append(step)

    def close(self, status):
        pass


class Telling(TrackerOptions):
    """Tells this module."""

    def start(self, run):
        return TOLD[-1]


TOLD: list[Told] = []


@pytest.fixture
def registry():
    component = Component(kind="tracker", name="telling", target=f"{__name__}:Telling", summary="tells a test")
    own = Entry(component=component, distribution="test-trackers", version="1.2", entry_point="trackers")
    return Registry([*Registry.load(plugins=False).entries(), own])


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(spacing, "MOST_ROWS", MOST)
    monkeypatch.setattr(watch, "MOST_GRIDS", MOST)


def test_rows_of_a_long_run_and_what_trackers_are_told_have_a_bound(tmp_path, registry):
    TOLD.append(Told())
    run = ganzoo.run(RING, out=tmp_path, registry=registry, trackers=["telling"])
    rows = run.metrics()
    assert [row["step"] for row in rows] == TOLD[-1].rows == ROWS
    assert TOLD[-1].pictures == PICTURES
    log = run.directory.log.read_text(encoding="utf-8")
    for step, apart in ((16, 4), (32, 8), (64, 16)):
        assert log.count(f"from step {step} on, rows are written every {apart} steps") == 1


def test_a_run_that_was_stopped_writes_the_same_rows(tmp_path):
    whole, cut = ganzoo.run(RING, out=tmp_path / "whole"), ganzoo.run(RING, out=tmp_path / "cut")
    for step in (83, 80, 60):
        cut.directory.checkpoint_folder(step).rename(cut.path / str(step))
        cut.directory.write_manifest({**cut.directory.read_manifest(), "status": "running", "step": 0, "ended": None})
        session.resume(Registry.load(plugins=False), cut.directory, console=Screen(quiet=True))
        assert_same_outcome(whole.path, cut.path)
    assert [row["step"] for row in cut.metrics()] == ROWS


def test_the_best_checkpoint_is_told_where_rows_are_far_apart(tmp_path):
    """A checkpoint without a row of its own was not measured, and is none of the best ones."""
    config = RING | {
        "metrics": {"mode-coverage": {"samples": 64}},
        "train": RING["train"] | {"keep": "best", "checkpoint_every": 10, "sample_every": 10, "log_every": 5},
    }
    run = ganzoo.run(config, out=tmp_path)
    measured = [row["step"] for row in run.metrics() if any(key.startswith("metric/") for key in row)]
    assert measured == [10, 20, 30, 40, 50, 60, 70, 80, 83]
    assert run.directory.checkpoint_folders()
