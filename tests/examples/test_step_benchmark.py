from __future__ import annotations

import json

import pytest
import torch
from example_scripts import load, run

from ganzoo.registry import Registry

TINY = {"image_size": 8, "batch_size": 2}


@pytest.fixture(scope="module")
def benchmark():
    return load("benchmarks/step.py")


@pytest.fixture(scope="module")
def registry():
    return Registry.load(plugins=False)


def test_it_prints_figures_of_every_contestant(tmp_path):
    size = ("--image-size", 8, "--batch-size", 2, "--rounds", 2, "--threads", 1)
    done = run("benchmarks/step.py", *size, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["settings"] == {**TINY, "rounds": 2}
    assert result["machine"]["threads"] == 1
    assert result["machine"]["torch"] == torch.__version__
    assert set(result["images_per_second"]) == {
        "plain fp32", "ganzoo fp32", "ganzoo bf16", "plain bf16", "plain fp32, fakes reused"
    }  # fmt: skip
    assert all(rate > 0 for rate in result["images_per_second"].values())
    targets = {name: ratio["target"] for name, ratio in result["ratios"].items()}
    assert targets == {
        "ganzoo fp32 / plain fp32": 1.15,
        "ganzoo bf16 / plain fp32": 1.7,
        "ganzoo bf16 / plain bf16": None,
        "ganzoo fp32 / plain fp32, fakes reused": None,
    }


def test_ratios_compare_steps_of_one_round(benchmark):
    seconds = {
        "plain fp32": [2.0, 4.0, 9.0],
        "ganzoo fp32": [1.0, 4.0, 3.0],
        "ganzoo bf16": [1.0, 1.0, 1.0],
        "plain bf16": [2.0, 2.0, 2.0],
        "plain fp32, fakes reused": [1.0, 1.0, 1.0],
    }
    summary = benchmark.summarize(seconds, batch_size=8)
    ratio = summary["ratios"]["ganzoo fp32 / plain fp32"]
    assert (ratio["median"], ratio["min"], ratio["max"]) == (2.0, 1.0, 3.0)
    assert summary["images_per_second"]["plain fp32"] == 8 / 4.0


def test_contestants_take_turns_and_the_warm_up_is_not_counted(benchmark):
    turns = []
    seconds = benchmark.measure({"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}, rounds=3, warmup=2)
    assert "".join(turns) == "ab" * 5
    assert [len(taken) for taken in seconds.values()] == [3, 3]


def test_both_sides_start_from_the_same_weights_and_train_the_same_networks(benchmark, registry):
    plans = [benchmark.plan_for(registry, **TINY, precision=precision) for precision in ("fp32", "bf16")]
    for name in ("discriminator", "generator"):
        first, second = (getattr(plan, name).state_dict() for plan in plans)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)
    assert [plan.config.runtime.precision for plan in plans] == ["fp32", "bf16"]


@pytest.mark.parametrize("reuse_fakes", [False, True])
def test_the_plain_loop_is_what_it_says(benchmark, registry, reuse_fakes):
    plan = benchmark.plan_for(registry, **TINY, precision="fp32")
    loop = benchmark.PlainLoop(plan, precision="fp32", reuse_fakes=reuse_fakes)
    calls = {"discriminator": [], "generator": []}
    for name, seen in calls.items():
        getattr(plan, name).register_forward_hook(lambda *_, seen=seen: seen.append(torch.is_grad_enabled()))
    before = [parameter.detach().clone() for parameter in plan.discriminator.parameters()]
    losses = loop.step()
    assert all(isinstance(loss, float) for loss in losses)
    assert calls == {"discriminator": [True] * 3, "generator": [True] * (1 if reuse_fakes else 2)}
    # Not frozen in the generator's step: its gradients are there, for nothing.
    assert all(parameter.grad is not None for parameter in plan.discriminator.parameters())
    assert any(not torch.equal(old, new) for old, new in zip(before, plan.discriminator.parameters(), strict=True))


def test_bf16_units_are_read_from_the_processor(benchmark):
    facts = benchmark.machine()
    assert set(facts) == {"processor", "cores", "threads", "torch", "bf16_units"}
    assert set(facts["bf16_units"]) <= {"avx512_bf16", "amx_bf16"}
    assert facts["cores"] >= 1


@pytest.mark.parametrize(("units", "said"), [(["amx_bf16"], "amx_bf16"), ([], "NOT meaningful")])
def test_a_processor_without_bf16_units_is_said_to_have_none(benchmark, capsys, units, said):
    host = {"processor": "P", "cores": 2, "threads": 2, "torch": "2", "bf16_units": units}
    benchmark.show(
        {
            "machine": host,
            "settings": {**TINY, "rounds": 1},
            "images_per_second": {"plain fp32": 1.0},
            "ratios": {"a / b": {"median": 1.5, "min": 1.0, "max": 2.0, "target": None}},
        }
    )
    assert said in capsys.readouterr().out
