from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
import torch
from example_scripts import EXAMPLES, load, run


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES / "benchmarks"))
    return load("benchmarks/memory.py")


class Known:
    """Four MiB that stay, and at most three more at a time: two, then one of them is replaced by two others."""

    def __init__(self):
        self.kept = None

    def active(self):
        return nullcontext()

    def step(self):
        if self.kept is None:
            self.kept = torch.ones(2**20)
        first, second = torch.ones(2**18), torch.ones(2**18)
        del first
        others = torch.ones(2**18), torch.ones(2**18)
        del second, others


def test_the_rise_is_what_is_there_at_the_same_time(benchmark, tmp_path):
    assert benchmark.rise(Known(), tmp_path / "trace.json") == pytest.approx(3, abs=0.01)


def test_it_prints_every_loop(benchmark, tmp_path):
    done = run("benchmarks/memory.py", "--size", 8, "--batch", 8, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["mib"]
    assert list(found) == [one.label for one in benchmark.LOOPS]
    assert found["ganzoo"] < found["plain"]
    assert list(tmp_path.iterdir()) == []
