from __future__ import annotations

import sys

import torch
from example_scripts import EXAMPLES, load
from PIL import Image


def test_it_enlarges_with_and_without_a_critic(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    out = tmp_path / "larger.png"
    monkeypatch.setattr(sys, "argv", ["larger", "--data", "digits", "--steps", "4", "--out", str(out)])
    example = load("adversary_super_resolution.py")
    models = []
    train = example.train
    monkeypatch.setattr(example, "train", lambda *args, **given: models.append(train(*args, **given)) or models[-1])
    example.main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows] == [["critic", "False"], ["critic", "True"]]
    # The critic has pushed, though four steps of weight 0.1 hardly show in the figures.
    assert not torch.equal(models[0].body[0].weight, models[1].body[0].weight)
    with Image.open(out) as grid:
        assert grid.width > 3 * grid.height  # sixteen pictures in each of four rows, with margins
    assert example.Enlarge(1)(torch.zeros(2, 1, 4, 4)).shape == (2, 1, 16, 16)
