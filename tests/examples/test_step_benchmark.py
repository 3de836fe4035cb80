from __future__ import annotations

import json

import pytest
import torch
from example_scripts import load, run

from ganzoo.benchmarking.rounds import Turn
from ganzoo.registry import Registry

TINY = {"image_size": 8, "batch_size": 2}


@pytest.fixture(scope="module")
def benchmark():
    return load("benchmarks/step.py")


@pytest.mark.parametrize("group", ["default", "one-stage", "wgan-gp", "r1-r2"])
def test_it_prints_figures_of_every_contestant(tmp_path, benchmark, group):
    size = ("--image-size", 8, "--batch-size", 2, "--rounds", 2, "--threads", 1, "--clock", "cpu")
    done = run("benchmarks/step.py", "--group", group, *size, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    steps = {"wgan-gp": 4, "r1-r2": 8}.get(group, 1)
    assert result["settings"] == {**TINY, "group": group, "rounds": 2, "steps": steps, "clock": "cpu"}
    assert result["rounds"].keys() == {"disturbed", "repeated"}
    assert result["machine"]["threads"] == 1
    assert result["machine"]["torch"] == torch.__version__
    first, *others = (one.label for one in benchmark.GROUPS[group].contestants)
    assert list(result["images_per_second"]) == [first, *others]
    assert all(rate > 0 for rate in result["images_per_second"].values())
    assert list(result["ratios"]) == [f"{label} / {first}" for label in others]
    assert list(tmp_path.iterdir()) == []


def test_penalties_act_as_often_as_they_should(benchmark):
    every = [
        {key: part.get("every", 1) for key, part in plan.config.regularizers.items()}
        for name in ("wgan-gp", "r1-r2")
        for plan in benchmark.plans_for(Registry.load(plugins=False), benchmark.GROUPS[name], **TINY).values()
    ]
    penalty = "gradient-penalty"
    assert every == [{penalty: 1}] * 4 + [{penalty: 4}, {"r1": 1, "r2": 1}, {"r1": 8, "r2": 8}]


def test_ratios_compare_steps_of_one_round(benchmark):
    seconds = {"plain fp32": [2.0, 4.0, 9.0], "ganzoo fp32": [1.0, 4.0, 3.0]}
    rounds = [{name: Turn(taken[number], 1.0) for name, taken in seconds.items()} for number in range(3)]
    contestants = benchmark.GROUPS["default"].contestants[:2]
    summary = benchmark.summarize(contestants, rounds, steps=2, images=8)
    [(name, ratio)] = summary["ratios"].items()
    assert name == "ganzoo fp32 / plain fp32"
    assert (ratio["median"], ratio["lower_quartile"], ratio["upper_quartile"]) == (2.0, 1.5, 2.5)
    assert ratio["of_least_seconds"] == 2.0
    assert summary["images_per_second"]["plain fp32"] == 8 / 2.0


def test_contestants_start_from_the_same_weights_each_in_its_precision(benchmark):
    plans = benchmark.plans_for(Registry.load(plugins=False), benchmark.GROUPS["default"], **TINY)
    plans = [one.entered.plan(plan) for one, plan in plans.items()]
    for name in ("discriminator", "generator"):
        first, *others = (getattr(one, name).state_dict() for one in plans)
        for other in others:
            assert first.keys() == other.keys()
            assert all(torch.equal(first[key], other[key]) for key in first)
    assert [one.config.runtime.precision for one in plans] == ["fp32", "fp32", "fp32", "bf16", "bf16", "fp32", "fp32"]


@pytest.mark.parametrize(("units", "said"), [(["amx_bf16"], "amx_bf16"), ([], "NOT meaningful")])
def test_a_processor_without_bf16_units_is_said_to_have_none(benchmark, capsys, units, said):
    host = {"processor": "P", "cores": 2, "threads": 2, "torch": "2", "bf16_units": units}
    ratio = {"median": 1.5, "lower_quartile": 1.0, "upper_quartile": 2.0, "of_least_seconds": 1.6, "target": None}
    benchmark.show(
        {
            "machine": host,
            "settings": {**TINY, "group": "default", "rounds": 1, "steps": 1, "clock": "wall"},
            "rounds": {"disturbed": 0, "repeated": 0},
            "images_per_second": {"plain fp32": 1.0},
            "milliseconds_per_step": {"plain fp32": 1.0},
            "ratios": {"a / b": ratio},
        }
    )
    assert said in capsys.readouterr().out
