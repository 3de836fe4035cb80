"""The VQ autoencoder by itself, in Lightning and in Accelerate; in this process, since each start takes seconds."""

from __future__ import annotations

import sys

import pytest
import torch
from example_scripts import EXAMPLES, load
from PIL import Image


@pytest.fixture
def example(monkeypatch):
    """An example by name; its neighbors can be imported, as where it runs as a script."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return load


def test_it_writes_pictures_and_both_reconstructions(tmp_path, monkeypatch, capsys, example):
    out = tmp_path / "rows.png"
    given = ["vq", "--data", "digits", "--steps", "3", "-n", "40", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", given)
    example("adversary_vq_autoencoder.py").main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[:4] for row in rows] == [["seed", "0", "critic", "False"], ["seed", "0", "critic", "True"]]
    assert [row[4::2] for row in rows] == [["error", "sharpness", "kd", "kd_std"]] * 2
    with Image.open(out) as grid:
        assert grid.width > 2 * grid.height


def test_the_critic_changes_the_autoencoder_and_nothing_else_does(example):
    train = example("adversary_vq_autoencoder.py").train
    without, again, with_critic = (
        train("digits", 4, critic=critic, batch_size=4).state_dict() for critic in (False, False, True)
    )
    assert all(torch.equal(without[name], again[name]) for name in without)
    assert not torch.equal(without["last.weight"], with_critic["last.weight"])


# Lightning warns of loaders without workers, and of what it imports.
@pytest.mark.filterwarnings("default")
def test_in_lightning_the_critic_learns_and_is_in_the_checkpoint(tmp_path, monkeypatch, example):
    pytest.importorskip("lightning", reason="Lightning is not installed")
    monkeypatch.chdir(tmp_path)
    quiet = {"accelerator": "cpu", "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = example("adversary_lightning.py").train("digits", 4, batch_size=4, **quiet)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    assert trainer.global_step == 4
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert state["adversary._extra_state"]["counts"]["update"] == 3
    assert float(trainer.callback_metrics["push"]) > 0


def test_in_accelerate_the_state_is_saved_with_the_rest(tmp_path, example):
    pytest.importorskip("accelerate", reason="Accelerate is not installed")
    adversary = example("adversary_accelerate.py").train("digits", 4, batch_size=4, save=tmp_path, cpu=True)
    saved = torch.load(tmp_path / "custom_checkpoint_0.pkl", weights_only=True)
    assert saved["_extra_state"]["counts"]["update"] == 3
    own = adversary.state_dict()
    assert all(torch.equal(own[name], saved[name]) for name in own if name != "_extra_state")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("adversary_*.py")), ids=lambda path: path.stem)
def test_each_program_is_short(path):
    assert len(path.read_text().splitlines()) <= 120
