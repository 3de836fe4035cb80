"""Two and three processes that train a pair together do what one does: weights, optimizers, averages, rows."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from team_process import SIZES, plan_of
from torch import distributed, nn

from ganzoo import launch
from ganzoo.errors import ConfigError, DivergedError, ProcessLostError
from ganzoo.evaluation import sampling
from ganzoo.runs.assembly import assemble
from ganzoo.runs.together import demand_fit
from ganzoo.training import team
from ganzoo.training.first_update import explained
from ganzoo.training.game import Terms
from ganzoo.training.shared_batch_norm import settle
from ganzoo.training.team import ALONE, Team, join

PROCESS = Path(__file__).with_name("team_process.py")
pytestmark = pytest.mark.xdist_group("team")  # one process makes what they share

TINY = {"discriminator.name": "patchgan-sn", "discriminator.ndf": 4, "discriminator.n_layers": 2}
NORMED = {"discriminator.name": "dcgan", "discriminator.ndf": 2, "discriminator.norm": "instance"}
CASES = {
    "accumulate-and-n-critic": {**TINY, "train.accumulate": 2, "train.n_critic": 2},
    "adam": {**TINY, "train.optimizer": "adam"},
    "wgan-gp-in-parts": {**NORMED, "loss.name": "wgan-gp", "train.accumulate": 2},
    "batch-norm-in-both": {"discriminator.name": "dcgan", "discriminator.ndf": 2},
    "means-of-the-batch": {**TINY, "loss.name": "relativistic-average"},
    "began": {"loss.name": "began", "discriminator.name": "autoencoder"},
    "ada": {**TINY, "augment": True, "augment.ada.interval": 1},
    "lecam-in-parts": {**TINY, "regularizers": True, "regularizers.lecam.weight": 0.3, "train.accumulate": 2},
    "dragan": {**NORMED, "regularizers": True, "regularizers.dragan.noise": "uniform"},
    "matched-features": {**NORMED, "regularizers": True, "regularizers.feature-matching.weight": 1.0},
    "a-state-that-is-drawn": {
        "discriminator.name": "dcgan",
        "discriminator.ndf": 2,
        "discriminator.norm": "none",
        "regularizers": True,
        "regularizers.spectral-regularization.weight": 0.1,
    },
    "consistency": {**TINY, "regularizers": True, "regularizers.consistency.variant": "icr"},
    "a-penalty-of-a-blurred-critic": {
        "discriminator.name": "patchgan-blur",
        "discriminator.ndf": 4,
        "loss.name": "wgan-gp",
    },
    "shared-fakes": {
        "discriminator.name": "dcgan",
        "discriminator.ndf": 2,
        "train.fakes": "shared",
        "train.n_critic": 2,
    },
    "one-verdict": {
        **NORMED,
        "loss.name": "bce",
        "train.fakes": "shared",
        "train.updates": "simultaneous",
        "augment": True,
        "augment.ada.interval": 1,
    },
    "unrolled": {**NORMED, "train.unroll_steps": 2},
}


NOISY = {
    "a-mean-of-noisy-samples": {
        **TINY,
        "generator.name": "stylegan",
        "regularizers": True,
        "regularizers.path-length.every": 1,
    },
}
"""Each process draws noise of its own here, so that several train another run than one."""
OWN = {"discriminator.name": "dcgan", "discriminator.ndf": 2}
OWN_ROWS = {
    "rows-of-its-own": {**OWN, "train.sync_batch_norm": False},
    "rows-of-its-own-in-parts": {**OWN, "train.accumulate": 2},
}
"""In two processes the first is the second in one process, but for the running statistics."""
LONG = {"two-hundred-steps": {**TINY, "train.optimizer": "adam", "train.steps": 200, "train.log_every": 50}}
"""Trained by two processes alone: it takes a while."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All cases in the same processes, since most of their time is the import of torch: size → process → case."""
    folder = tmp_path_factory.mktemp("teams")
    cases = {name: {"train.optimizer": "sgd", **values} for name, values in {**CASES, **NOISY, **OWN_ROWS}.items()}
    sizes = {name: [2] for name in LONG}
    (folder / "cases.json").write_text(json.dumps({"cases": cases | LONG, "sizes": sizes}))
    subprocess.run([sys.executable, PROCESS, folder, folder / "cases.json"], check=True, timeout=600)
    return {
        size: [torch.load(folder / f"{size}-{number}.pt", weights_only=True) for number in range(size)]
        for size in (1, *SIZES)
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("case", CASES)
def test_a_team_trains_what_one_trains(found, case, size):
    torch.testing.assert_close(found[size][0][case], found[1][0][case], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("case", "size"), [*itertools.product((*CASES, *NOISY, *OWN_ROWS), SIZES), *itertools.product(LONG, (2,))]
)
def test_all_of_a_team_stay_in_step_to_the_bit(found, case, size):
    first, *others = (of_process[case] for of_process in found[size])
    for other in others:
        torch.testing.assert_close(other, first, rtol=0, atol=0)


def test_a_batch_norm_of_its_own_rows_trains_as_micro_batches_do(found):
    two, one = found[2][0]["rows-of-its-own"], found[1][0]["rows-of-its-own-in-parts"]
    moved = [name for name in one if "running_" not in name and "num_batches" not in name]
    assert any("running_mean" in name for name in one)
    torch.testing.assert_close(
        {name: two[name] for name in moved}, {name: one[name] for name in moved}, rtol=1e-10, atol=1e-10
    )
    shared = found[2][0]["batch-norm-in-both"]
    assert any(not torch.equal(two[name], shared[name]) for name in moved if name.startswith("generator")), "no option"


def test_running_statistics_of_own_rows_become_their_mean():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.BatchNorm2d(2, track_running_stats=False))
    norm = network[1]
    other = torch.tensor([3.0, 5.0]), torch.tensor([2.0, 7.0])
    expected = [(here + there) / 2 for here, there in zip((norm.running_mean, norm.running_var), other, strict=True)]

    def add(tensors):
        for one, there in zip(tensors, other, strict=True):
            one.add_(there)

    settle(Mock(alone=False, size=2, add=add), network)
    assert torch.equal(norm.running_mean, expected[0])
    assert torch.equal(norm.running_var, expected[1])


def test_one_of_a_team_looks_at_samples_without_the_others():
    """Nobody answers here. Without an average, what is looked at is the generator that shares its statistics."""
    plan = plan_of({**TINY, "train.ema": None})
    expected, found = (
        next(sampling.chunks(sampling.ready(state.averaged(), plan.spec), plan.spec, 2, labels=None, seed=0))[0]
        for state in (assemble(plan, team).state for team in (ALONE, Team(0, 2)))
    )
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (RuntimeError("Connection closed by peer"), ProcessLostError),
        (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError),
    ],
    ids=str,
)
def test_an_exchange_that_fails_is_laid_to_other_processes_unless_memory_ran_out_here(monkeypatch, fault, told):
    monkeypatch.setattr(distributed, "broadcast_object_list", Mock(side_effect=fault))
    with pytest.raises(told):
        Team(0, 2).first(dict)


def test_what_the_first_process_fails_to_make_is_its_own_fault():
    with pytest.raises(RuntimeError, match="not made"):
        Team(0, 2).first(Mock(side_effect=RuntimeError("not made")))


def test_a_fault_in_the_samples_of_another_process_is_not_laid_to_the_loss():
    game = assemble(plan_of(TINY)).game
    team = Mock(any=Mock(return_value=True))
    error = explained(DivergedError("not finite"), replace(game, team=team), "discriminator", lambda: Terms(scalars={}))
    team.any.assert_called_once_with(False)
    assert (error.message, error.hint) == ("not finite", "train it in one process, which says what is at fault")


def test_rows_are_a_part_of_each_micro_batch():
    parts = [Team(number, 2).rows(8, parts=2).tolist() for number in range(2)]
    assert parts == [[0, 1, 4, 5], [2, 3, 6, 7]]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"train.batch_size": 10, "train.accumulate": 2}, ["3 processes", "--batch-size 12"]),
        ({"discriminator.name": "stylegan2"}, ["discriminator stylegan2"]),
        ({"train.rollbacks": 1}, ["--set train.rollbacks=0"]),
        ({**OWN, "train.sync_batch_norm": False, "train.batch_size": 3}, ["--batch-size 6", "sync_batch_norm"]),
        ({"runtime.compile": True}, ["runtime.compile"]),
    ],
    ids=str,
)
def test_what_would_not_be_the_training_of_one_is_refused(values, words):
    plan = plan_of({**TINY, **values} if "discriminator.name" not in values else values)
    demand_fit(plan, ALONE)
    with pytest.raises(ConfigError) as refused:
        demand_fit(plan, Team(0, 3))
    assert all(word in str(refused.value) for word in words)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, (0, 1)),
        ({"WORLD_SIZE": "4"}, (0, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, (0, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "here"}, (1, 2)),
        ({"RANK": "x", "WORLD_SIZE": "2", "MASTER_ADDR": "here"}, (0, 1)),
    ],
    ids=str,
)
def test_how_processes_know_each_other(monkeypatch, variables, told):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launch.launched() == told


@pytest.mark.parametrize("port", [None, "many"], ids=str)
def test_processes_without_a_place_to_meet_are_told_so(monkeypatch, port):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MASTER_PORT", raising=False)
    if port is not None:
        monkeypatch.setenv("MASTER_PORT", port)
    with pytest.raises(ConfigError, match=f"{port or 'MASTER_PORT expected'}.*\n.*MASTER_PORT"):
        join("cpu")


def test_a_group_is_left_before_python_ends(monkeypatch):
    """Threads of gloo that outlive the interpreter were seen to abort a process that had done its work."""
    left, known = Mock(), Mock()
    monkeypatch.setattr(distributed, "init_process_group", Mock())
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "destroy_process_group", left)
    monkeypatch.setattr(team.atexit, "register", known)
    monkeypatch.setattr(launch, "met", Mock())
    team.meet(Mock(), 1, 2)
    known.call_args.args[0]()
    left.assert_called_once_with()
