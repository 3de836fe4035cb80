"""Two processes that train critics on halves of a batch do what one does on the whole."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from adversary_process import WAYS, Tokenizer, generator_trained, trained
from torch import nn

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.training import drop_in

PROCESS = Path(__file__).with_name("adversary_process.py")

pytestmark = pytest.mark.xdist_group("adversary processes")  # one process makes what they share


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    """All ways in the same two processes, since most of their time is the import of torch."""
    folder = tmp_path_factory.mktemp("processes")
    store, out = folder / "store", folder / "out.pt"
    running = [subprocess.Popen([sys.executable, PROCESS, str(rank), "2", store, out]) for rank in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    return torch.load(out, weights_only=True)


@pytest.mark.parametrize("way", WAYS)
def test_two_processes_equal_one(of_two, way):
    """With a penalty, and with two forward passes before the backward one, where wrappers have failed."""
    with torch.random.fork_rng():
        of_one = trained(0, 1, way)
    torch.testing.assert_close(of_one, of_two[way], rtol=1e-10, atol=1e-12)


def test_a_wrapped_generator_learns_from_all_processes(of_two):
    """DDP would wait for the gradients of a critic within the same module, and leave the generator's as they are."""
    torch.testing.assert_close(generator_trained(0, 1), of_two["generator"], rtol=1e-10, atol=1e-12)


def test_a_critic_that_is_wrapped_with_the_generator_is_refused(of_two):
    assert "Tokenizer" in of_two["refusal"]
    assert "adversary.keep_out_of_ddp(module)" in of_two["refusal"]


def test_draws_are_those_of_the_process_that_steps_and_not_of_the_one_that_was_made(monkeypatch):
    """A trainer starts the processes later: all of them drew what the first one draws."""

    def made():
        return ganzoo.Adversary(copy.deepcopy(critic), regularizers={"gradient-penalty": {}}, pool=1)

    def loss(adversary):
        x = torch.linspace(-1, 1, 96).reshape(2, 3, 4, 4)
        return adversary.update(fake=-x, real=x)["critic/gradient_penalty"]

    critic = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Tanh(), nn.Conv2d(2, 1, 1))
    before, first = made(), loss(made())
    monkeypatch.setattr(drop_in, "several", lambda: True)
    monkeypatch.setattr(drop_in, "rank", lambda: 1)
    second = loss(made())
    assert loss(before) == second != first
    assert before._pool.seed == drop_in.seed_of(0, "pool")


def test_what_was_kept_out_before_stays_so():
    module = nn.Module()
    module.inner = Tokenizer(kept_out=False)
    nn.parallel.DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(module, ["inner.net.bias"])
    module.inner.adversary.keep_out_of_ddp(module)
    left = set(module.state_dict()) - set(module._ddp_params_and_buffers_to_ignore)
    assert {name for name in left if not name.endswith("_extra_state")} == {"inner.net.weight"}


def test_a_module_that_does_not_hold_the_critics_cannot_keep_them_out():
    adversary = ganzoo.Adversary(nn.Conv2d(3, 1, 3))
    with pytest.raises(ConfigError, match=r"(?s)Linear.*holds the adversary"):
        adversary.keep_out_of_ddp(nn.Linear(2, 2))
