"""What is written of a report."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from toys import SPEC

from ganzoo.evaluation import pictures
from ganzoo.protocols import DataSpec, Generator
from ganzoo.runs.watch import COLUMNS, MOST_ROWS, SampleGrids


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
    run = SimpleNamespace(samples=tmp_path)
    SampleGrids(run, state, spec, every=1, steps=9, seed=seed).write(step)
    with Image.open(tmp_path / f"step-{step:07d}.png") as grid:
        factor = grid.width // (COLUMNS * (6 + pictures.GAP) + pictures.GAP)
        cells = torch.from_numpy(np.array(grid.convert("RGB")))[::factor, ::factor]
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
