"""One damaged file stops nothing but what needs it: not other runs, not the end of a training, not a whole folder."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
import yaml
from PIL import Image
from rich.console import Console

import ganzoo
from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.registry import Registry
from ganzoo.runs import directory as directories
from ganzoo.runs import session
from ganzoo.runs.directory import RunDirectory, find_run
from ganzoo.runs.listing import listed_runs, rows_of
from ganzoo.studies.comparison import Comparison

TINY = {
    "data": "ring",
    "discriminator": "mlp",
    "generator": "mlp",
    "train": {"steps": 2, "batch_size": 4, "log_every": 1, "sample_every": 1},
    "runtime": {"device": "cpu"},
}


def further(run, steps):
    layer = ConfigLayer("--steps", {"train.steps": steps})
    return session.resume(
        Registry.load(plugins=False), RunDirectory(run.path), changes=[layer], console=Console(quiet=True)
    )


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"data": 3}', b"[" * 100_000], ids=range(6))
def test_a_manifest_of_another_run(tmp_path, content):
    for name in ("0001-one", "0002-other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text("loss: hinge\n", encoding="utf-8")
    (tmp_path / "0001-one" / "manifest.json").write_bytes(content)
    (tmp_path / "0002-other" / "manifest.json").write_text('{"status": "running", "started": 7}', encoding="utf-8")
    assert find_run(tmp_path, None).path.name == "0002-other"
    assert [run.number for run in listed_runs(tmp_path)] == [1, 2]
    assert {run.age() for run in listed_runs(tmp_path)} == {None}


def test_a_damaged_grid_and_a_damaged_row_do_not_stop_the_training(tmp_path, caplog):
    run = ganzoo.run(TINY, out=tmp_path)
    (run.directory.samples / "step-0000001.png").write_bytes(b"")
    with run.directory.metrics.open("r+b") as file:
        file.write(b"\xff\x00")
    with caplog.at_level(logging.WARNING, "ganzoo"):
        resumed = further(run, 3)
    assert resumed.directory.read_manifest()["status"] == "finished"
    with Image.open(run.path / "samples.gif") as film:
        assert film.n_frames == 3
    assert "step-0000001.png is damaged, and is left out of the film" in caplog.text
    assert "metrics.jsonl: damaged lines are left out: 1" in caplog.text
    assert [row["step"] for row in run.metrics()] == [2, 3]


def test_lines_that_are_no_rows(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n[]\n{"step": "a"}\n' + b"[" * 10_000 + b'\n{"d": 2}\n\n{"step": 2, "d": NaN}\n{"st')
    assert [row["step"] for row in rows_of(path)] == [1, 2]


def test_files_that_are_not_utf_8(tmp_path):
    run = ganzoo.run(TINY | {"train": TINY["train"] | {"steps": 1}}, out=tmp_path)
    run.directory.config.write_bytes(b"loss: \xff\n")
    for ask in (lambda: run.config, lambda: further(run, 2), lambda: ganzoo.load_run(run.path).sample(1)):
        with pytest.raises(ConfigError, match="it is not UTF-8 text"):
            ask()
    (tmp_path / "comparison.yaml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not what a comparison writes there"):
        Comparison.read(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["asked"].pop("budget"),
        lambda content: content["asked"].update(budget={}),
        lambda content: content["cells"][0].update(reason="refused"),
    ],
    ids=["no budget", "an empty budget", "all refused"],
)
def test_a_comparison_that_lacks_what_it_is_computed_by(tmp_path, change):
    cell = {"name": "a", "folder": "a", "parts": {}, "reason": None, "config": {}, "data": None}
    asked = {"seeds": 1, "budget": {"kind": "own"}, "metrics": [], "extractors": [], "settings": {}, "n": None}
    content = {"asked": asked, "budget": "steps", "cells": [cell]}
    (tmp_path / "comparison.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert Comparison.read(tmp_path).words == "steps"
    change(content)
    (tmp_path / "comparison.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ConfigError, match="is not what a comparison writes there"):
        Comparison.read(tmp_path)


@pytest.mark.parametrize(
    ("grids", "kept"),
    [(7, [0, 10, 20, 30, 40, 50, 60]), (8, [0, 20, 40, 60, 70]), (30, [0, 80, 160, 240, 260, 280, 290])],
)
def test_grids_of_a_long_run_have_a_bound(tmp_path, monkeypatch, grids, kept):
    monkeypatch.setattr(directories, "MOST_GRIDS", 7)
    run = RunDirectory.create(tmp_path, "long")
    for number in range(grids):
        (run.samples / f"step-{10 * number:07d}.png").touch()
        run.thin_grids(10)
        assert len(run.grids()) <= 7
    assert [directories.step_of(path) for path in run.grids()] == kept


def test_of_grids_at_a_step_that_is_no_multiple_the_newest_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(directories, "MOST_GRIDS", 3)
    run = RunDirectory.create(tmp_path, "long")
    for step in (0, 10, 20, 25, 27):
        (run.samples / f"step-{step:07d}.png").touch()
    run.thin_grids(10)
    assert [directories.step_of(path) for path in run.grids()] == [0, 20, 27]


def test_a_run_whose_configuration_is_lost_is_still_called_a_run(tmp_path):
    run = ganzoo.run(TINY, out=tmp_path)
    run.directory.config.unlink()
    for word in (str(run.path), run.path.name, "1", None):
        found = find_run(tmp_path, word)
        with pytest.raises(ConfigError, match=r"the configuration of run 0001-.* is lost") as caught:
            session.resume(Registry.load(plugins=False), found, console=Console(quiet=True))
        assert "put it back" in caught.value.hint


def test_a_run_whose_manifest_is_lost_is_not_listed_as_one_that_never_began(tmp_path):
    run = ganzoo.run(TINY, out=tmp_path)
    run.directory.manifest.unlink()
    [listed] = listed_runs(tmp_path)
    assert (listed.status, listed.step) == ("unreadable", 2)
    run.directory.metrics.unlink()
    [listed] = listed_runs(tmp_path)
    assert listed.status == "unreadable", "it has checkpoints"
    shutil.rmtree(run.directory.checkpoints)
    [listed] = listed_runs(tmp_path)
    assert listed.status == "not started"


def test_a_damaged_manifest_is_mentioned_once(tmp_path, caplog):
    run = ganzoo.run(TINY, out=tmp_path)
    run.directory.manifest.write_text("{", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "ganzoo"):
        for _ in range(3):
            assert run.directory.read_manifest() == {}
    assert caplog.text.count("manifest.json cannot be read") == 1


def test_a_step_that_is_missing_after_a_colon_is_told(tmp_path):
    ganzoo.run(TINY, out=tmp_path)
    with pytest.raises(ConfigError, match="no step follows the colon of '1:'") as caught:
        ganzoo.run(TINY, out=tmp_path, init="1:")
    assert caught.value.hint == "--init 1"


def test_checkpoints_that_may_not_be_read_are_not_gone(tmp_path, monkeypatch):
    run = ganzoo.run(TINY, out=tmp_path)
    monkeypatch.setattr(directories.os, "access", lambda path, mode: Path(path) != run.directory.checkpoints)
    with pytest.raises(CheckpointError, match="cannot be read") as caught:
        run.directory.demand_checkpoint(every=2)
    assert "--restart" not in caught.value.hint
