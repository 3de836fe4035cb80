from __future__ import annotations

import json

import pytest
import torch
from example_scripts import load, run


@pytest.fixture(scope="module")
def benchmark():
    return load("benchmarks/data.py")


def test_it_prints_figures_of_cache_disk_and_decoding(benchmark, tmp_path):
    tiny = ("--rounds", 1, "--mib", 16, "--cache-mib", 1, "--batch-size", 2, "--pictures", 2)
    done = run("benchmarks/data.py", *tiny, "--folder", tmp_path, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert set(result) == {"machine", "settings", "cache", "disk", "beyond", "decode"}
    assert list(result["cache"]) == [str(size) for size in benchmark.TARGETS]
    for part in ("disk", "beyond"):
        assert list(result[part]) == [str(size) for size in benchmark.SIZES]
    assert all(rate["best"] >= rate["median"] > 0 for row in result["cache"].values() for rate in row.values())
    assert all(row["grown_mib"] <= row["allowed_mib"] < row["set_mib"] for row in result["disk"].values())
    assert all(min(row["ratio"].values()) > 0 for row in result["disk"].values())
    assert all(min(row["gain"].values()) > 0 for row in result["beyond"].values())
    assert len(result["decode"]) == len(benchmark.PHOTOS)
    assert all(min(row["gain"], row["gain_of_hashing"]) > 0 for row in result["decode"].values())
    assert list(tmp_path.iterdir()) == []
    assert benchmark.table(result | {part: numbered(result[part]) for part in ("cache", "disk")}).count("|---|") >= 4


def test_decoding_alone(benchmark, tmp_path):
    few = ("--rounds", 1, "--pictures", 2, "--small", 3, "--only", "decode")
    done = run("benchmarks/data.py", *few, "--folder", tmp_path, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert (result["cache"], result["disk"], result["settings"]["small"]) == ({}, {}, 3)
    assert len(result["decode"]) == len(benchmark.PHOTOS)


def numbered(rows):
    return {int(size): row for size, row in rows.items()}


def test_pictures_of_a_file_are_told_apart(benchmark, tmp_path):
    benchmark.write_pixels(tmp_path / "8.u8", 8, 100)
    data = benchmark.opened(tmp_path / "8.u8", 8)
    assert data.read(torch.arange(100))[:, 0, 0, 0].tolist() == list(range(100))


def test_more_memory_than_is_allowed_is_refused(benchmark):
    size = 2**31  # what was freed before stays with the process, and less may be found there
    with benchmark.at_most(2**20), pytest.raises(RuntimeError, match="memory"):
        torch.empty(size, dtype=torch.uint8)
    assert len(torch.empty(size, dtype=torch.uint8)) == size


def test_ways_take_turns(benchmark):
    turns = []
    ways = {name: (lambda name=name: turns.append(name)) for name in "ab"}
    taken = benchmark.in_turns(ways, rounds=2, clock=lambda: len(turns))
    assert turns == ["a", "b", "a", "b"]
    assert taken == {"a": [1, 1], "b": [1, 1]}


def test_the_plot_is_a_file(benchmark, tmp_path):
    pytest.importorskip("matplotlib")
    rate = {"median": 1.0, "best": 2.0}
    benchmark.plot({"cache": {size: {"bytes": rate, "floats": rate} for size in benchmark.TARGETS}}, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
