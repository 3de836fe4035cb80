from __future__ import annotations

import json

import pytest
from example_scripts import EXAMPLES, load, run

TINY = ("--sizes", 8, "--each", 2, "--kilobytes", 1, 8, 64, "--rounds", 1, "--steps", 2)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Two processes and one, and what the model makes of them."""
    folder = tmp_path_factory.mktemp("processes")
    done = run("benchmarks/processes.py", *TINY, "--processes", 1, 2, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "processes.json").write_text(done.stdout)
    return folder, json.loads(done.stdout)


def test_steps_and_exchanges_of_each_number_of_processes(found):
    _, result = found
    alone, two = result["steps"]
    assert (alone["processes"], alone["exchanged_bytes"]) == (1, [])
    assert (two["processes"], two["batch_per_process"]) == (2, 2)
    assert two["seconds_exchanging"]["median"] > 0
    assert [(one["processes"], one["bytes"]) for one in result["exchanges"]] == [(2, 1000), (2, 8000), (2, 64000)]


def test_what_is_exchanged_are_the_gradients_of_both_players_and_little_else(found, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES / "benchmarks")
    scaling = load("benchmarks/scaling.py")
    plan = scaling.plan_for(scaling.Registry.load(plugins=False), scaling.Point(8, 4))
    gradients = [scaling.gradient_bytes(one) for one in (plan.discriminator, plan.generator)]
    told = found[1]["steps"][1]["exchanged_bytes"]
    assert all(any(0 <= one - gradient < 100 for one in told) for gradient in gradients)


def test_the_model_is_fitted_to_what_was_measured(found, tmp_path):
    folder, _ = found
    points = run("benchmarks/scaling.py", "--sizes", 8, "--batches", 2, 4, 8, "--rounds", 2, "--json", cwd=tmp_path)
    (folder / "scaling.json").write_text(points.stdout)
    done = run("benchmarks/predictions.py", folder / "scaling.json", folder / "processes.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "held-out exchanges of two: off by" in done.stdout
    assert "| H100 | 64 | 512 |" in done.stdout
    own = ("--tflops", 100, "--gigabytes", 10)
    done = run("benchmarks/predictions.py", folder / "scaling.json", folder / "processes.json", *own, cwd=tmp_path)
    assert "| yours | 8 | 512 |" in done.stdout
