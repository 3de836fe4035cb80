"""``examples/benchmarks/distances.py`` at toy size; torch-fidelity, whose modules it loads in parts, takes no part."""

import json
from pathlib import Path

import pytest
import torch
from example_scripts import load

N, WIDTH = 40, 6
ARGUMENTS = ["-n", str(N), "--width", str(WIDTH), "--rounds", "2"]


@pytest.fixture(scope="module")
def benchmark():
    return load("benchmarks/distances.py")


@pytest.fixture
def ganzoo_alone(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "CONTESTANTS", {"ganzoo": benchmark.CONTESTANTS["ganzoo"]})
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)


def test_features_are_like_those_of_networks(benchmark):
    real, fake = benchmark.features(N, WIDTH)
    assert real.shape == fake.shape == (N, WIDTH)
    assert min(real.min(), fake.min()) >= 0
    again = benchmark.features(N, WIDTH)
    assert all(one.equal(other) for one, other in zip((real, fake), again, strict=True))


@pytest.mark.usefixtures("ganzoo_alone")
def test_times_and_ratios_of_every_round(benchmark, capsys):
    benchmark.times(benchmark.argparse.Namespace(n=N, width=WIDTH, rounds=2, clock="cpu"))
    first, second, ratio = capsys.readouterr().out.splitlines()
    assert first.startswith("ganzoo ")
    assert second.endswith(" s")
    assert ratio == "ganzoo: 1.00 × ganzoo (1.00 to 1.00)"


@pytest.mark.usefixtures("ganzoo_alone")
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_memory_of_a_turn_and_what_it_found(benchmark, capsys):
    benchmark.main([*ARGUMENTS, "--memory", "ganzoo"])
    printed = json.loads(capsys.readouterr().out)
    assert 0 <= printed["above"] <= printed["peak"]
    assert printed["found"].keys() == {"fd", "kd", "kd_std", "precision", "recall"}


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance`:UserWarning")
def test_torchmetrics_finds_the_same_distance(benchmark):
    pytest.importorskip("torchmetrics")
    given = benchmark.features(N, WIDTH)
    found, theirs = benchmark.with_ganzoo()(*given), benchmark.with_torchmetrics()(*given)
    assert theirs["fd"] == pytest.approx(found["fd"], rel=1e-3)
