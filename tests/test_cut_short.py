"""Runs that were cut short at an awkward moment, or lost a file since: they go on, or say why they do not."""

from __future__ import annotations

import json
import shutil

import pytest
from comparing import assert_same_outcome
from typer.testing import CliRunner

import ganzoo
from ganzoo.cli import app
from ganzoo.runs.directory import find_run

TINY = {
    "loss": {"name": "hinge"},
    "discriminator": {"name": "mlp"},
    "generator": {"name": "mlp"},
    "data": {"name": "ring"},
    "train": {"steps": 6, "batch_size": 8, "checkpoint_every": 2, "sample_every": 3, "log_every": 1},
    "runtime": {"device": "cpu", "threads": 1},
}


@pytest.fixture
def run(tmp_path):
    return ganzoo.run(TINY, out=tmp_path / "runs")


def resumed(run, *arguments, expect=0):
    done = CliRunner().invoke(app, ["resume", str(run.path), "--quiet", *arguments])
    assert done.exit_code == expect, done.output
    return done.output


def manifest(run):
    return json.loads(run.directory.manifest.read_text(encoding="utf-8"))


def cut_at(run, step):
    """As a kill right after a checkpoint leaves a run."""
    for folder in run.directory.checkpoint_folders():
        if int(folder.name.removeprefix("step-")) > step:
            shutil.rmtree(folder)
    run.directory.write_manifest({**manifest(run), "status": "running", "step": 0, "ended": None})


@pytest.mark.parametrize(
    "left", [None, b"", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"data": null, "resumed": null}', b'{"warnings": 1}']
)
def test_a_run_that_lost_its_manifest_goes_on_and_writes_it_again(run, left, tmp_path):
    whole = shutil.copytree(run.path, tmp_path / "whole")
    before = manifest(run)
    cut_at(run, 4)
    run.directory.manifest.unlink()
    if left is not None:
        run.directory.manifest.write_bytes(left)
    resumed(run)
    after = manifest(run)
    assert {key: after[key] for key in ("status", "step", "data", "config_hash")} == {
        key: before[key] for key in ("status", "step", "data", "config_hash")
    }
    assert len(run.sample(2)) == 2
    assert_same_outcome(run.path, whole)


def test_a_changed_configuration_is_seen_without_a_manifest_too(run):
    cut_at(run, 4)
    run.directory.manifest.unlink()
    config = run.directory.config.read_text(encoding="utf-8")
    run.directory.config.write_text(config.replace("batch_size: 8", "batch_size: 16"), encoding="utf-8")
    assert "different configuration" in resumed(run, expect=7)


def test_another_run_whose_manifest_is_damaged_stops_nothing(run, tmp_path, caplog):
    other = ganzoo.run(TINY, out=tmp_path / "runs")
    other.directory.manifest.write_bytes(b"")
    cut_at(run, 4)
    other.directory.config.unlink()
    assert find_run(tmp_path / "runs", None).path == run.path
    assert f"run {other.path.name} is passed over: its config.yaml is lost" in caplog.text


def test_killed_after_its_last_checkpoint_it_is_finished_and_has_its_film(run):
    cut_at(run, 6)
    (run.path / "samples.gif").unlink()
    (run.path / "samples.png").unlink()
    rows = run.directory.metrics.read_bytes()
    resumed(run)
    assert (manifest(run)["status"], manifest(run)["step"]) == ("finished", 6)
    assert (run.path / "samples.gif").exists()
    assert (run.path / "samples.png").exists()
    assert run.directory.metrics.read_bytes() == rows


@pytest.mark.parametrize("status", ["finished", "running"])
def test_checkpoints_that_are_gone_do_not_cost_the_rows(run, status):
    cut_at(run, 0)
    run.directory.write_manifest({**manifest(run), "status": status})
    rows = run.directory.metrics.read_bytes()
    said = resumed(run, expect=7)
    assert "was trained to step 6, and its checkpoints are gone" in said
    assert "--restart" in said
    assert run.directory.metrics.read_bytes() == rows


def test_a_run_can_be_begun_again(run, tmp_path):
    whole = shutil.copytree(run.path, tmp_path / "whole")
    cut_at(run, 0)
    resumed(run, "--restart")
    assert_same_outcome(run.path, whole)
    assert len(run.directory.metrics.read_text(encoding="utf-8").splitlines()) == 6


def test_a_run_on_the_weights_of_another_cannot(run, tmp_path):
    follower = ganzoo.run(TINY, out=tmp_path / "runs", init=run)
    assert "--init" in resumed(follower, "--restart", expect=2)
    follower.directory.manifest.unlink()
    assert "started from the weights of another" in resumed(follower, "--restart", expect=7)


def test_before_its_first_checkpoint_there_is_nothing_to_lose(tmp_path):
    config = {**TINY, "train": {**TINY["train"], "checkpoint_every": 100}}
    run = ganzoo.run(config, out=tmp_path / "runs")
    cut_at(run, 0)
    resumed(run)
    assert manifest(run)["status"] == "finished"
