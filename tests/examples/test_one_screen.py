from __future__ import annotations

import torch
from example_scripts import EXAMPLES, load, run
from PIL import Image


def test_it_runs_and_writes_a_grid_of_samples(tmp_path):
    done = run("one_screen.py", "--steps", 2, "--out", "grid.png", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "step    0  D " in done.stdout
    with Image.open(tmp_path / "grid.png") as grid:
        # 8 by 8 samples of 32 pixels with 2 between them, twice as large.
        assert (grid.format, grid.mode, grid.size) == ("PNG", "L", (548, 548))
        cells = {grid.crop((x, 4, x + 64, 68)).tobytes() for x in range(4, 548, 68)}
    assert len(cells) == 8


def test_the_generator_is_trained():
    example = load("one_screen.py")
    untrained, trained = example.train(0), example.train(2, batch_size=4)
    for before, after in zip(untrained.parameters(), trained.parameters(), strict=True):
        assert not torch.equal(before, after)


def test_it_fits_on_one_screen_and_the_step_is_ganzoos():
    text = (EXAMPLES / "one_screen.py").read_text()
    assert len(text.splitlines()) <= 60
    assert "ganzoo.adversarial_step(" in text
    assert "discriminator_loss" not in text, "a step written by hand"
