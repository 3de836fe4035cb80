"""What is written of a report."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from toys import SPEC, make_setup

from ganzoo.evaluation import pictures
from ganzoo.evaluation.lettering import with_names
from ganzoo.protocols import DataSpec, Generator
from ganzoo.runs import watch
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.grid_samples import COLUMNS, MOST_ROWS
from ganzoo.runs.watch import Clock, MetricsLog, SampleGrids
from ganzoo.training.loop import train


class Painter(Generator):
    """The class as red, the latent as green, of an image of one color."""

    def __init__(self, *, classes):
        super().__init__()
        self.red = torch.nn.Parameter(torch.arange(classes) / 10 - 1)

    def latent(self, n, *, generator):
        return torch.rand(n, 1, generator=generator)

    def forward(self, z, labels=None):
        red = torch.zeros(len(z)) if labels is None else self.red[labels]
        return torch.stack([red, z[:, 0], torch.zeros(len(z))], dim=1)[:, :, None, None].expand(-1, 3, 4, 6)


def written(spec: DataSpec, tmp_path, *, step=0, seed=0):
    """Red and green of every cell of a grid, (rows, columns, 2)."""
    network = Painter(classes=len(spec.classes))
    state = SimpleNamespace(averaged=lambda: network, step=step)
    run = SimpleNamespace(samples=tmp_path, thin_grids=lambda most: None)
    SampleGrids(run, state, spec, every=1, seed=seed).write(step)
    rows = min(sum(share > 0 for share in spec.marginal), MOST_ROWS) if spec.conditional else COLUMNS
    with Image.open(tmp_path / f"step-{step:07d}.png") as grid:
        factor = grid.height // (rows * (4 + pictures.GAP) + pictures.GAP)
        margin = grid.width - factor * (COLUMNS * (6 + pictures.GAP) + pictures.GAP)
        cells = torch.from_numpy(np.array(grid.convert("RGB")))[::factor, margin::factor]
    assert (margin > 0) == spec.conditional
    return cells[pictures.GAP :: 4 + pictures.GAP, pictures.GAP :: 6 + pictures.GAP][:, :, :2]


def asked_for(cells):
    """The class of each cell, from its red."""
    return (cells[:, :, 0] / 12.75).round().long()


@pytest.mark.parametrize("number", [3, MOST_ROWS + 1])
def test_of_a_conditional_grid_each_row_is_a_class_and_each_column_a_latent(tmp_path, number):
    classes = tuple("abcdefghijklmnopqrst"[:number])
    spec = replace(SPEC, classes=classes, marginal=(1 / number,) * number, conditional=True)
    cells = written(spec, tmp_path)
    rows = min(number, MOST_ROWS)
    assert asked_for(cells).tolist() == [[row] * COLUMNS for row in range(rows)]
    latents = cells[:, :, 1]
    assert len(latents.unique(dim=0)) == 1
    assert len(latents[0].unique()) == COLUMNS


def test_a_class_that_does_not_occur_has_no_row(tmp_path):
    spec = replace(SPEC, marginal=(0.5, 0.0, 0.5), conditional=True)
    assert asked_for(written(spec, tmp_path)).tolist() == [[row] * COLUMNS for row in (0, 2)]


def test_each_row_bears_the_name_of_its_own_class(tmp_path, monkeypatch):
    """Also where a class before it does not occur."""
    shown = []
    monkeypatch.setattr(
        pictures, "with_names", lambda picture, names: shown.append(names) or with_names(picture, names)
    )
    spec = replace(SPEC, classes=("nevus", "melanoma", "seborrheic keratosis"), marginal=(0.5, 0, 0.5))
    written(replace(spec, conditional=True), tmp_path)
    assert shown == [["nevus", "seborrheic keratosis"]]


def test_an_unconditional_grid_is_of_as_many_latents_as_cells(tmp_path):
    latents = written(SPEC, tmp_path)[:, :, 1]
    assert latents.shape == (COLUMNS, COLUMNS)
    assert len(latents.unique()) > COLUMNS * COLUMNS // 2


def test_latents_of_the_grids_stay_the_same_for_the_whole_run(tmp_path):
    first, later, of_another_run = (
        written(SPEC, tmp_path, step=step, seed=seed) for step, seed in ((0, 0), (5, 0), (9, 1))
    )
    assert torch.equal(first, later)
    assert not torch.equal(first, of_another_run)


def logged(tmp_path, *, looks_every, images=0, **schedule):
    """The rows of a run of toys, which is measured by the number of its step."""
    setup = make_setup(**schedule)
    setup.state.images = images
    log = MetricsLog(
        RunDirectory(tmp_path),
        setup.state,
        setup.schedule,
        looks_every=looks_every,
        measures=lambda: {"metric/step": float(setup.state.step)},
    )
    for report in train(setup):
        log(report)
    log.close()
    return [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]


def test_looks_are_due_in_the_first_row_after_a_multiple_of_their_interval(tmp_path):
    """Rows every 4 steps and at the end, looks every 3: between steps 4 and 5 there is no multiple of 3."""
    rows = logged(tmp_path, looks_every=3, steps=10, log_every=4)
    assert [row["step"] for row in rows] == [4, 8, 10]
    assert [row["step"] for row in rows if any(name.startswith("sigma/") for name in row)] == [4, 8, 10]
    short = logged(tmp_path, looks_every=3, steps=5, log_every=4)
    assert [row["step"] for row in short if any(name.startswith("sigma/") for name in row)] == [4]
    assert [row["metric/step"] for row in short] == [4, 5], "measures are due in the last row whatever the interval"


def test_rows_count_the_updates_of_each_player(tmp_path):
    rows = logged(tmp_path, looks_every=9, steps=3, n_critic=2)
    assert [(row["step"], row["d_step"], row["images"]) for row in rows] == [(1, 2, 12), (2, 4, 24), (3, 6, 36)]


def test_rows_are_on_disk_before_a_checkpoint_counts_them(tmp_path, monkeypatch):
    setup = make_setup(steps=2)
    log = MetricsLog(RunDirectory(tmp_path), setup.state, setup.schedule, looks_every=9)
    for report in train(setup):
        log(report)
    synced = []
    monkeypatch.setattr(watch.os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    assert [log.offset()] == synced == [(tmp_path / "metrics.jsonl").stat().st_size]
    log.close()


def test_the_rate_is_that_of_the_images_since_the_row_before(tmp_path, monkeypatch):
    """A clock that moves on by a second each time it is looked at; what was seen before a resume was not seen now."""
    seconds = iter(range(100))
    monkeypatch.setattr(watch, "time", SimpleNamespace(perf_counter=lambda: float(next(seconds))))
    clock = Clock(1000)
    told = [clock.tick(images) for images in (1006, 1020, 1020)]
    assert [row["time/elapsed"] for row in told] == [1, 2, 3]
    assert [row["time/images_per_s"] for row in told] == [6, 14, 0]
    rows = logged(tmp_path, looks_every=9, images=1000, steps=2)
    assert [(row["images"], row["time/images_per_s"]) for row in rows] == [(1006, 6), (1012, 6)]
