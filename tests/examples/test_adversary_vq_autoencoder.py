from __future__ import annotations

import torch
from example_scripts import EXAMPLES, load, run
from PIL import Image


def test_it_writes_pictures_and_both_reconstructions(tmp_path):
    done = run("adversary_vq_autoencoder.py", "--data", "digits", "--steps", 3, "--out", "rows.png", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:4] for line in done.stdout.splitlines()] == [
        ["seed", "0", "critic", "False"],
        ["seed", "0", "critic", "True"],
    ]
    with Image.open(tmp_path / "rows.png") as grid:
        assert grid.width > 2 * grid.height


def test_the_critic_changes_the_autoencoder_and_nothing_else_does():
    example = load("adversary_vq_autoencoder.py")
    without, again, with_critic = (
        example.train("digits", 4, critic=critic, batch_size=4).state_dict() for critic in (False, False, True)
    )
    assert all(torch.equal(without[name], again[name]) for name in without)
    assert not torch.equal(without["last.weight"], with_critic["last.weight"])


def test_it_is_short():
    assert len((EXAMPLES / "adversary_vq_autoencoder.py").read_text().splitlines()) <= 120
