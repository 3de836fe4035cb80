from __future__ import annotations

import json
from argparse import Namespace

import pytest
import torch
from example_scripts import load, run
from torch import nn

GIVEN = Namespace(peers=["torchgan"], rounds=2, steps=1, batch=4, width=4, lightning=None)


@pytest.fixture(scope="module")
def peers():
    return load("benchmarks/peers.py")


@pytest.fixture
def match(peers):
    """A peer that does nothing, with networks of its own."""
    return peers.Match(
        turn=lambda steps: 1.0 * steps,
        discriminator=nn.Sequential(nn.Flatten(), nn.Linear(64, 1)),
        generator=nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8))),
        latent=3,
        values={"loss.name": "bce", "discriminator.name": "mlp", **peers.training(4, betas=[0.5, 0.9], updates=2)},
        images=peers.pictures(1, 8),
    )


def test_both_have_the_same_pictures(peers):
    images = peers.pictures(1, 8)
    seen = sorted(tuple(one.flatten().tolist()) for one in next(iter(peers.loader(images, len(images))))[0])
    assert seen == sorted(tuple(one.flatten().tolist()) for one in torch.from_numpy(images) / 127.5 - 1)


def test_ganzoo_trains_the_networks_of_the_peer_as_often(peers, match, tmp_path):
    before = [one.clone() for one in match.discriminator.parameters()]
    loop = peers.GanzooLoop(match.plan(), folder=tmp_path)
    loop.step()
    loop.rows.close()
    assert any(not torch.equal(one, old) for one, old in zip(match.discriminator.parameters(), before, strict=True))
    assert loop.setup.state.d_step == 2
    assert loop.setup.state.d_optimizer.param_groups[0]["betas"] == (0.5, 0.9)


def test_ratios_are_within_rounds(peers, match, monkeypatch):
    monkeypatch.setattr(peers, "PEERS", {"torchgan": lambda folder, given: match})
    found = peers.all_of(GIVEN)["torchgan"]
    theirs, ours = (found["milliseconds_per_step"][who] for who in ("torchgan", "ganzoo"))
    assert theirs["median"] == 1000
    assert found["ratio"]["of_least_seconds"] == pytest.approx(1000 / ours["least"])


def test_a_peer_that_cannot_be_imported_is_left_out_and_said(tmp_path):
    done = run("benchmarks/peers.py", "--peers", "lightning", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--lightning FILE is missing" in json.loads(done.stdout)["lightning"]["left_out"]
