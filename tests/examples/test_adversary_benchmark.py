from __future__ import annotations

import math

import pytest
import torch
from example_scripts import load
from torch.utils._python_dispatch import TorchDispatchMode


@pytest.fixture(scope="module")
def benchmark():
    return load("benchmarks/adversary.py")


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_all_loops_train_both_networks_alike(benchmark, norm):
    """Ratios of times mean something only between loops that compute the same."""
    loops = benchmark.contestants(norm, width=4, ndf=4, dtype=torch.float64)
    random = torch.Generator().manual_seed(0)
    for _ in range(2):
        x = torch.rand(3, 3, 16, 16, dtype=torch.float64, generator=random) * 2 - 1
        for loop in loops.values():
            loop.step(x)
    ours = loops.pop("ganzoo")
    for loop in loops.values():
        for network in ("model", "critic"):
            for one, other in zip(*(getattr(side, network).parameters() for side in (ours, loop)), strict=True):
                # Adam divides by the root of squares that may be tiny, which magnifies rounding.
                torch.testing.assert_close(one, other, rtol=0, atol=1e-8)
    right = dict(loops["fastest"].critic.named_buffers())
    for name, one in ours.critic.named_buffers():
        if "running" in name:
            torch.testing.assert_close(one, right[name], rtol=0, atol=1e-8)


class Counted(TorchDispatchMode):
    """How many operations of torch ran within, and how many convolutions."""

    def __init__(self):
        super().__init__()
        self.count = self.convolutions = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        self.convolutions += "convolution" in str(function)
        return function(*args, **(kwargs or {}))


def test_a_step_in_which_nobody_looks_costs_few_operations_more_than_the_fastest_by_hand(benchmark):
    """What is logged is computed when it is read. Time cannot be tested on a busy machine, the number of calls can."""
    counts, convolutions = {}, {}
    for name, loop in benchmark.contestants("none", width=4, ndf=4).items():
        loop.step(torch.zeros(2, 3, 16, 16))  # the first one makes the state of the optimizers
        with Counted() as counted:
            loop.step(torch.zeros(2, 3, 16, 16))
        counts[name], convolutions[name] = counted.count, counted.convolutions
    assert convolutions["ganzoo"] == convolutions["fastest"] < convolutions["taming"]
    assert counts["ganzoo"] <= counts["fastest"] + 30 < counts["taming"]


def test_ratios_compare_steps_of_one_round(benchmark):
    one = {"ganzoo": [1.0, 2.0, 4.0], "taming": [2.0, 3.0, 4.0]}
    other = {"ganzoo": [2.0, 2.0, 2.0], "taming": [6.0, 6.0, 6.0]}
    found = benchmark.ratios([one], "taming")
    assert math.isnan(found.pop("error"))  # of one process nothing is known
    assert found == {"low": 1.25, "median": 1.5, "high": 1.75, "processes": [1.5], "mean": 1.5}
    assert benchmark.ratios([one, other], "taming")["processes"] == [1.5, 3.0]
    assert benchmark.ratios([one, other], "taming")["median"] == 2.5


def test_each_loop_follows_each_other_as_often_and_the_warm_up_is_not_counted(benchmark):
    turns = []
    steps = {name: lambda name=name: turns.append(name) for name in "abc"}
    seconds = benchmark.measure(steps, rounds=5, warmup=1)
    rounds = ["".join(turns[begin : begin + 3]) for begin in range(0, 18, 3)]
    assert sorted(rounds) == ["abc", "acb", "bac", "bca", "cab", "cba"]
    assert [len(taken) for taken in seconds.values()] == [5, 5, 5]


def test_what_calls_cost_is_the_difference_within_rounds(benchmark):
    ticks = iter(range(10_000))
    found = benchmark.by_calls("none", rounds=4, clock=lambda: next(ticks))
    assert found == {"median": 0.0, "low": 0.0, "high": 0.0}  # each turn takes one tick


def test_each_pair_of_loops_is_measured_apart(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "alone", lambda work, *arguments, **named: work(*arguments, **named))
    sizes = benchmark.Sizes(width=4, ndf=2, batch_size=2, image_size=16, threads=1, clock="cpu", rounds=2)
    found = benchmark.compared("none", sizes, processes=2, against=["fastest", "taming"])
    assert set(found["seconds"]) == {"ganzoo", "fastest", "taming"}
    assert {other: len(ratio["processes"]) for other, ratio in found["ratios"].items()} == {"fastest": 2, "taming": 2}
    assert 0 < found["calls"]["ratio"] < 1
    alone = benchmark.compared("none", sizes, processes=2, against=["taming"])
    assert set(alone["seconds"]) == {"ganzoo", "taming"}
    ratio = alone["ratios"]["taming"]
    low, high = sorted(ratio["processes"])
    assert ratio["mean"] == pytest.approx((low + high) / 2)
    assert ratio["error"] == pytest.approx((high - low) / 2)
