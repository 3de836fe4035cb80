"""What lies beside checkpoints, and what strangers put into them: kept, refused or skipped, never loaded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import ganzoo
from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.registry import Registry
from ganzoo.report.embedding import embedded_file
from ganzoo.report.leaderboard import read_leaderboard
from ganzoo.runs import session
from ganzoo.runs.checkpoint import DamagedError, read, score
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.evaluating import read_evaluations
from ganzoo.runs.listing import listed_runs
from ganzoo.runs.run import Run
from ganzoo.runs.watch import film
from ganzoo.screen import Screen
from ganzoo.studies.comparison import Comparison, find_same
from ganzoo.studies.engine_choice import read_choice
from ganzoo.studies.outcome import outcome_of

TINY = {
    "data": {"name": "synthetic", "n": 64, "image_size": 8},
    "discriminator": "mlp",
    "generator": "mlp",
    "train": {"steps": 1, "batch_size": 4},
    "runtime": {"device": "cpu"},
}


def noted(step):
    """The numbers of a checkpoint."""
    return {"step": step, "d_step": step, "images": 4 * step, "metrics_offset": 0}


def save(run, step):
    return run.save_checkpoint(step, {"generator": {"w": torch.full((2,), float(step))}}, noted(step))


def listed(folder, change):
    """Change the list of a checkpoint so that it still verifies."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content["files"])
    path.write_text(json.dumps(content), encoding="utf-8")


def described(content):
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / "runs", "hinge-toy-toys")


@pytest.mark.parametrize(
    "name",
    [
        "step-0000005-keep",
        "step-best",
        "step-0000005.bak",
        "step-0000005 copy",
        "step-5",
        "step-00000005",
        "step-٠٠٠٠٠٠٥",
    ],
)
def test_a_copy_beside_checkpoints_is_kept_and_no_checkpoint(run, name, caplog):
    caplog.set_level("INFO", logger="ganzoo")
    copy = shutil.copytree(save(run, 5), run.checkpoints / name)
    for step in (6, 7, 8, 9):
        save(run, step)
    assert [folder.name for folder in run.checkpoint_folders()] == ["step-0000009", "step-0000008", "step-0000007"]
    run.discard_after(0)
    assert run.checkpoint_folders() == []
    assert (copy / "generator.safetensors").exists()
    assert caplog.text.count(f"{copy} is not named as a run names its files, and is left alone") == 1


@pytest.mark.parametrize("name", ["step-best.png", "step-0000001-nice.png", "step-0000001 (1).png"])
def test_a_copy_beside_grids_is_kept_and_no_grid(run, name):
    for path in (run.samples / "step-0000001.png", run.samples / name):
        path.write_bytes(b"")
    assert [path.name for path in run.grids()] == ["step-0000001.png"]
    run.discard_after(0)
    assert [path.name for path in run.samples.iterdir()] == [name]


def test_a_file_called_like_a_checkpoint_is_none(run):
    (run.checkpoints / "step-0000007").write_text("", encoding="utf-8")
    save(run, 5)
    assert run.load_checkpoint()[1] == noted(5)


def test_a_file_that_the_list_does_not_name_is_not_loaded(run):
    folder = save(run, 1)
    (folder / "._generator.safetensors").write_bytes(b"what macOS leaves on other disks")
    save_file({"w": torch.zeros(1)}, folder / "ema.safetensors")
    tensors, _ = read(folder)
    assert list(tensors) == ["generator"]


@pytest.mark.parametrize("files", [{}, {"generator.safetensors": described(b"")}])
def test_an_empty_list_verifies_nothing(run, files):
    folder = save(run, 1)
    listed(folder, lambda content: (content.clear(), content.update(files)))
    with pytest.raises(DamagedError):
        read(folder)


@pytest.mark.parametrize("name", ["../a.safetensors", "/etc/a.safetensors", ".a.safetensors", "notes.txt"])
def test_a_list_names_files_of_its_folder_only(run, name):
    folder = save(run, 1)
    listed(folder, lambda content: content.update({name: described(b"x")}))
    with pytest.raises(DamagedError, match="which is no file of a checkpoint"):
        read(folder)


@pytest.mark.parametrize("size", ["Infinity", "1" + 15 * "0", "1" + 20 * "0", "-1", "NaN"])
def test_a_size_that_no_file_has_is_not_believed(run, size):
    save(run, 1)
    folder = save(run, 2)
    path = folder / "manifest.json"
    before = str((folder / "generator.safetensors").stat().st_size)
    path.write_text(path.read_text(encoding="utf-8").replace(f'"size": {before}', f'"size": {size}'), encoding="utf-8")
    assert size in path.read_text(encoding="utf-8")
    assert run.load_checkpoint()[1] == noted(1)


def test_a_name_that_no_file_can_have_is_damage(run):
    folder = save(run, 1)
    listed(folder, lambda content: content.update({"a\0.safetensors": described(b"x")}))
    with pytest.raises(DamagedError):
        read(folder)


@pytest.mark.parametrize("content", [b'{"step": 1, "score": 1e999}', b"[" * 100_000, b'{"step": 1, "score": "x"}'])
def test_a_damaged_old_checkpoint_stops_no_later_one(run, content):
    folder = save(run, 1)
    (folder / "state.json").write_bytes(content)
    listed(folder, lambda files: files.update({"state.json": described(content)}))
    assert score(folder) is None
    run.save_checkpoint(2, {"generator": {"w": torch.zeros(1)}}, {"step": 2}, keep="best")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_place_of_a_state_or_a_manifest_stops_nothing(run):
    folder = save(run, 1)
    (folder / "state.json").unlink()
    for path in (folder / "state.json", run.manifest):
        os.mkfifo(path)
    save(run, 2)
    assert run.read_manifest() == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["generator.safetensors", "state.json", "manifest.json"])
def test_a_pipe_is_never_waited_for(run, name):
    save(run, 1)
    folder = save(run, 2)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(DamagedError, match="not a regular file"):
        read(folder)
    assert run.load_checkpoint()[1] == noted(1)


LINES = {
    "config.yaml": lambda run: (listed_runs(run.path.parent), read_config_in_words(run)),
    "manifest.json": lambda run: listed_runs(run.path.parent),
    "metrics.jsonl": lambda run: (listed_runs(run.path.parent), Run(run.path).metrics()),
    "evaluations.jsonl": lambda run: read_evaluations(run.path),
    "samples/step-0000001.png": lambda run: (film(run, vectors=False), embedded_file(run.grids()[0])),
    "comparison.yaml": lambda run: find_same(run.path.parent, {}, ()),
    "leaderboard.json": lambda run: refused(lambda: read_leaderboard(run.path)),
    "evaluation.json": lambda run: outcome_of(run.path),
    "engine.json": lambda run: refused(lambda: read_choice(Comparison(path=run.path, asked={}, words="", cells=()))),
}
"""A file → who reads it."""


def refused(ask):
    with pytest.raises(ConfigError, match="regular file"):
        ask()


def read_config_in_words(run):
    refused(lambda: Run(run.path).config)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", LINES)
def test_no_pipe_in_the_folder_of_a_run_or_a_comparison_is_waited_for(run, name):
    os.mkfifo(run.path / name)
    LINES[name](run)


@pytest.mark.parametrize("name", ["metrics.jsonl", "log.txt", ".lock", "samples", "checkpoints"])
def test_a_run_writes_and_removes_nothing_through_a_link(run, name, tmp_path):
    mine = tmp_path / "mine"
    if name in ("samples", "checkpoints"):
        (run.path / name).rmdir()
        mine.mkdir()
    else:
        mine.write_text("of my own", encoding="utf-8")
    (run.path / name).symlink_to(mine)
    with pytest.raises(ConfigError, match=r"is no f.* of its own") as error:
        run.demand_own()
    assert error.value.given == f"a symbolic link to {mine}"


def test_a_strangers_run_does_not_go_on_in_files_of_mine(tmp_path):
    run = ganzoo.run(TINY, out=tmp_path / "runs")
    mine = tmp_path / "notes"
    mine.write_text("of my own", encoding="utf-8")
    for path in (run.directory.metrics, run.directory.log, run.path / "evaluations.jsonl"):
        path.unlink(missing_ok=True)
        path.symlink_to(mine)
    with pytest.raises(ConfigError, match="writes and removes nothing elsewhere"):
        session.resume(Registry.load(plugins=False), run.directory, console=Screen(quiet=True), restart=True)
    ganzoo.evaluate(run, metrics="frechet-distance", extractors="random-conv", n=16)
    assert mine.read_text(encoding="utf-8") == "of my own"


@pytest.mark.parametrize("name", ["cells", "cells/a/seed-0", "cells/a/seed-0/0001-run", "cells/a/seed-0/worker.log"])
def test_a_strangers_comparison_does_not_go_on_in_folders_of_mine(tmp_path, name):
    mine, place = tmp_path / "mine", tmp_path / "0001-strange" / name
    mine.mkdir()
    place.parent.mkdir(parents=True)
    place.symlink_to(mine)
    comparison = Comparison(path=tmp_path / "0001-strange", asked={}, words="", cells=())
    with pytest.raises(ConfigError, match="leads elsewhere"), comparison.locked():
        pass


def test_a_grid_of_more_pixels_than_are_read_is_left_out_of_a_report(run, monkeypatch):
    Image.new("L", (64, 64)).save(run.samples / "step-0000001.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert embedded_file(run.grids()[0]) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[]", "holds no mapping"),
        (b"{", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"step": 2}', "is of step 2"),
        (b'{"step": "1"}', "is of step 1"),
        (b'{"step": 1, "images": -3}', "images"),
        (b'{"step": 1, "d_step": 1.5}', "d_step"),
        (b'{"step": 1, "seconds": NaN}', "seconds"),
        (b'{"step": 1, "seconds": 1' + 400 * b"0" + b"}", "seconds"),
        (b'{"step": 1, "images": 1' + 30 * b"0" + b"}", "images"),
        (b'{"step": 1, "metrics_offset": true}', "metrics_offset"),
        (b'{"step": 1, "rollbacks": 1000000}', "rollbacks"),
        (b'{"step": 1, "d_step": 1, "images": 4}', "does not say metrics_offset"),
        (b'{"step": 1}', "does not say d_step, images, metrics_offset"),
    ],
)
def test_counters_are_counters(run, content, reason):
    folder = save(run, 1)
    (folder / "state.json").write_bytes(content)
    listed(folder, lambda files: files.update({"state.json": described(content)}))
    with pytest.raises(DamagedError, match=reason):
        read(folder)


def test_a_checkpoint_that_lacks_a_number_is_passed_over_for_the_one_before(run):
    save(run, 1)
    folder, content = save(run, 2), b'{"step": 2, "d_step": 2, "images": 8}'
    (folder / "state.json").write_bytes(content)
    listed(folder, lambda files: files.update({"state.json": described(content)}))
    assert run.newest_intact() == 1


@pytest.mark.parametrize("lost", ["exp_avg", "exp_avg_sq", "step"])
def test_an_optimizer_that_lacks_what_it_keeps_is_told(tmp_path, lost):
    run = ganzoo.run(TINY, out=tmp_path).directory
    folder = run.checkpoint_folders()[0]
    path = folder / "optimizers.safetensors"
    save_file({name: one for name, one in load_file(path).items() if name != f"d/0/{lost}"}, path)
    listed(folder, lambda files: files.update({path.name: described(path.read_bytes())}))
    further = ConfigLayer("--steps", {"train.steps": 2})
    with pytest.raises(CheckpointError, match="does not match the networks") as caught:
        session.resume(Registry.load(plugins=False), run, changes=[further], console=Screen(quiet=True))
    assert f"d/0/{lost}" in str(caught.value)


def test_weights_that_are_not_finite_begin_no_other_run(tmp_path):
    run = ganzoo.run(TINY, out=tmp_path).directory
    folder = run.checkpoint_folders()[0]
    path = folder / "generator.safetensors"
    save_file({name: one.float() * float("nan") for name, one in load_file(path).items()}, path)
    listed(folder, lambda files: files.update({path.name: described(path.read_bytes())}))
    with pytest.raises(CheckpointError, match=r"the weights of run 0001-.* at step 1 are not finite"):
        ganzoo.run(TINY, out=tmp_path, init="1")
    assert [path.name[:4] for path in tmp_path.glob("0*")] == ["0001"]


def test_what_verifies_and_is_no_tensor_file_is_damaged(run):
    folder = save(run, 1)
    (folder / "generator.safetensors").write_bytes(b"not tensors at all")
    listed(folder, lambda files: files.update({"generator.safetensors": described(b"not tensors at all")}))
    with pytest.raises(DamagedError, match=r"generator\.safetensors cannot be read"):
        read(folder)
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        run.load_checkpoint()
