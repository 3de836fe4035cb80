"""Training that diverges goes back to the last checkpoint at half the rates: as often as was allowed, and exactly."""

from __future__ import annotations

import json
import shlex

import pytest
import torch
from rich.console import Console

import ganzoo
from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import DivergedError
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.directory import RunDirectory

RISING = {
    "loss": "lsgan",
    "data": "ring",
    "discriminator": {"name": "mlp", "width": 8},
    "generator": {"name": "mlp", "width": 8, "latent": 2},
    "train": {
        "steps": 12,
        "batch_size": 8,
        "optimizer": "sgd",
        "d_lr": 40.0,
        "g_lr": 0.01,
        "checkpoint_every": 2,
        "sample_every": 4,
        "log_every": 1,
        "keep": "all",
    },
    "runtime": {"device": "cpu", "threads": 1},
}
"""A rate at which squares overflow within a few steps."""


def asked(**train):
    return RISING | {"train": RISING["train"] | train}


def outcome(run):
    """Rows without times, the weights, and how often training went back."""
    rows = [{key: value for key, value in row.items() if "time" not in key} for row in run.metrics()]
    tensors, state = run.directory.load_checkpoint()
    return rows, tensors, state["rollbacks"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return ganzoo.run(asked(rollbacks=30), out=tmp_path_factory.mktemp("whole"))


def test_training_goes_back_until_it_stays_finite(whole):
    rows, _, times = outcome(whole)
    assert times >= 2
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert rows[-1]["rollbacks"] == times
    assert all(torch.tensor(list(row.values())).isfinite().all() for row in rows)
    assert [row.get("rollbacks", 0) for row in rows] == sorted(row.get("rollbacks", 0) for row in rows)
    manifest = whole.directory.read_manifest()
    assert (manifest["status"], manifest["step"]) == ("finished", 12)
    said = whole.directory.log.read_text(encoding="utf-8")
    assert said.count("training goes back to step") == times
    assert f"at learning rates of 1/{2**times} of those of the configuration (rollback {times} of 30)" in said


@pytest.mark.parametrize("stop", [2, 7])
def test_a_run_in_two_parts_comes_to_the_same(whole, tmp_path, stop):
    part = ganzoo.run(asked(rollbacks=30, steps=stop), out=tmp_path)
    changes = [ConfigLayer("--set", {"train.steps": 12})]
    session.resume(Registry.load(plugins=False), RunDirectory(part.path), changes=changes, console=Console(quiet=True))
    (rows, tensors, times), (others, expected, as_often) = outcome(part), outcome(whole)
    assert times == as_often
    # The last row of a part holds more than that of a step on the way.
    assert [{key: row[key] for key in other} for row, other in zip(rows, others, strict=True)] == others
    for name, file in expected.items():
        assert all(torch.equal(value, tensors[name][key]) for key, value in file.items()), name


def test_no_more_often_than_was_allowed_and_the_hint_works(tmp_path):
    with pytest.raises(DivergedError) as caught:
        ganzoo.run(asked(rollbacks=1), out=tmp_path)
    (run,) = tmp_path.glob("0001-*")
    assert json.loads((run / "manifest.json").read_text(encoding="utf-8"))["status"] == "diverged"
    assert "clip" not in caught.value.hint
    assert "train.d_lr=10" in caught.value.hint  # a quarter, after one rollback to a half
    command = shlex.split(caught.value.hint.partition("with: ")[2].partition(";")[0])
    assert command[:2] == ["ganzoo", "run"]
    assert "--config" in command


def test_a_run_that_diverged_goes_on_from_its_last_good_step(whole, tmp_path):
    with pytest.raises(DivergedError, match="not finite") as caught:
        ganzoo.run(asked(d_lr=2.0, steps=40), out=tmp_path)
    (run,) = tmp_path.glob("0001-*")
    step = max(int(path.name[5:]) for path in (run / "checkpoints").iterdir())
    assert f"--init {run}:{step} --set train.g_lr=0.005 --set train.d_lr=1" in caught.value.hint
    assert f"ganzoo resume {run} --set train.rollbacks=3" in caught.value.hint
    further = ganzoo.run(asked(d_lr=0.01, steps=2), out=tmp_path, init=f"{run}:{step}")
    assert further.directory.read_manifest()["ancestry"][0]["step"] == step


def test_the_hint_names_half_the_rate_in_force_where_a_schedule_moves_it(tmp_path):
    rising = {"steps": [0, 3], "values": [1e-6, 40.0], "shape": "constant"}
    with pytest.raises(DivergedError) as caught:
        ganzoo.run(asked(d_lr=1e-6, steps=30) | {"schedules": {"train.d_lr": rising}}, out=tmp_path)
    assert "--set train.g_lr=0.005 --set train.d_lr=20" in caught.value.hint
