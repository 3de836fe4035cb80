from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from example_scripts import load, run
from torch import nn

TINY = ("--sizes", 8, 16, "--batches", 2, 4, "--rounds", 2)


@pytest.fixture(scope="module")
def scaling():
    return load("benchmarks/scaling.py")


def test_every_point_is_measured_and_drawn(tmp_path):
    done = run("benchmarks/scaling.py", *TINY, "--json", "--plot", tmp_path / "s.png", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    points = json.loads(done.stdout)["points"]
    assert [(one["size"], one["batch"]) for one in points] == [(8, 2), (8, 4), (16, 2), (16, 4)]
    for few, many in zip(points[::2], points[1::2], strict=True):
        assert many["gflop_per_step"] == pytest.approx(2 * few["gflop_per_step"], rel=0.01)
        assert many["generator_gradient_bytes"] == few["generator_gradient_bytes"] > 0
        assert few["images_per_second"] == pytest.approx(2 / few["seconds_per_step"]["median"])
    assert (tmp_path / "s.png").stat().st_size > 5000


def test_batches_end_before_a_step_takes_too_long(scaling, monkeypatch, tmp_path):
    monkeypatch.setattr(scaling, "plan_for", lambda registry, point: point)
    monkeypatch.setattr(scaling, "GanzooLoop", lambda point, folder: SimpleNamespace(point=point, rows=None))
    monkeypatch.setattr(scaling, "closing", lambda rows: rows)
    monkeypatch.setattr(scaling, "seconds_of_one", lambda loop: loop.point.batch * loop.point.size / 100)
    stack = SimpleNamespace(enter_context=lambda rows: rows)
    found = scaling.loops((1, 10), (40, 10, 20), longest=2.0, folder=tmp_path, stack=stack)
    assert [(point.size, point.batch) for point, _ in found] == [(1, 10), (1, 20), (1, 40), (10, 10), (10, 20)]


def test_gradients_are_as_large_as_what_is_trained(scaling):
    network = nn.Linear(3, 2)
    network.bias.requires_grad_(False)
    assert scaling.gradient_bytes(network) == 4 * 3 * 2
