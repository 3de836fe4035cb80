"""``examples/benchmarks/distances.py`` at toy size; torch-fidelity, which may not be installed, takes no part."""

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
def test_times_and_ratios_of_every_round(benchmark, capsys, tmp_path):
    benchmark.times(benchmark.argparse.Namespace(n=N, width=WIDTH, rounds=2, clock="cpu", cache=tmp_path))
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
def test_torchmetrics_finds_the_same_distance(benchmark, tmp_path):
    pytest.importorskip("torchmetrics")
    real, fake = benchmark.features(N, WIDTH)
    found, theirs = (make(real, tmp_path)(fake) for make in (benchmark.with_ganzoo, benchmark.with_torchmetrics))
    assert theirs["fd"] == pytest.approx(found["fd"], rel=1e-3)


def test_a_second_turn_of_ganzoo_finds_the_same_with_what_the_first_left(benchmark, tmp_path):
    real, fake = benchmark.features(N, WIDTH)
    found = [benchmark.with_ganzoo(real, tmp_path)(fake) for _ in range(2)]
    assert found[0] == found[1] == benchmark.with_ganzoo_first(real, tmp_path)(fake)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 3
