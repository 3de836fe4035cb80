"""The run directory: numbers, locks, atomic files, checkpoints that verify."""

from __future__ import annotations

import errno
import json
import threading
from pathlib import Path

import pytest
import torch

from ganzoo import files
from ganzoo.errors import CheckpointError, ConfigError, LockedError, ResourceError
from ganzoo.runs import checkpoint
from ganzoo.runs import directory as directories
from ganzoo.runs.checkpoint import DamagedError, read, step_of
from ganzoo.runs.directory import RunDirectory, find_run


def noted(step):
    """The numbers of a checkpoint."""
    return {"step": step, "d_step": step, "images": 4 * step, "metrics_offset": 0}


def save(run, step):
    return run.save_checkpoint(step, {"generator": {"w": torch.full((2,), float(step))}}, noted(step))


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / "runs", "hinge-toy-toys")


def test_runs_are_numbered_and_never_overwritten(tmp_path):
    names = [RunDirectory.create(tmp_path, f"run-{letter}").path.name for letter in "aab"]
    assert names == ["0001-run-a", "0002-run-a", "0003-run-b"]


def test_numbers_of_deleted_runs_in_between_are_not_reused_and_other_folders_do_not_count(tmp_path):
    (tmp_path / "0041-old").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    assert RunDirectory.create(tmp_path, "new").path.name == "0042-new"


def test_numbers_go_on_beyond_four_digits(tmp_path):
    for name in ("9998-old", "9999-old", "10000-old"):
        (tmp_path / name).mkdir()
        files.write_text(tmp_path / name / "config.yaml", "version: 1\n")
    assert find_run(tmp_path, None).path.name == "10000-old", "newer than 9999, although its name comes before"
    assert find_run(tmp_path, "10000").path.name == "10000-old"
    assert RunDirectory.create(tmp_path, "new").path.name == "10001-new"


def test_a_file_is_not_a_run(tmp_path):
    run = RunDirectory.create(tmp_path, "real")
    (tmp_path / "0002-notes").write_text("about 0001")
    assert find_run(tmp_path, "1").path == run.path
    with pytest.raises(ConfigError) as error:
        find_run(tmp_path, "2")
    assert error.value.allowed == "0001-real"


def test_runs_started_at_once_get_different_numbers(tmp_path):
    names = []
    threads = [
        threading.Thread(target=lambda n=n: names.append(RunDirectory.create(tmp_path, f"r{n % 3}").path.name))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({name[:4] for name in names}) == 12


def test_a_run_is_held_by_one(run):
    with run.locked(), pytest.raises(LockedError, match="another process"), RunDirectory(run.path).locked():
        pass
    with run.locked():
        pass


def test_a_run_that_fails_is_held_no_longer(run):
    with pytest.raises(MemoryError), run.locked():
        raise MemoryError
    with RunDirectory(run.path).locked():
        pass


def test_a_checkpoint_of_the_same_step_is_replaced(run):
    save(run, 5)
    run.save_checkpoint(5, {"generator": {"w": torch.zeros(1)}}, {**noted(5), "again": True})
    tensors, state = run.load_checkpoint()
    assert tensors["generator"]["w"].tolist() == [0]
    assert state["again"]


def test_a_checkpoint_comes_back(run):
    save(run, 5)
    tensors, state = run.load_checkpoint()
    assert torch.equal(tensors["generator"]["w"], torch.full((2,), 5.0))
    assert state == noted(5)
    assert not list(run.checkpoints.glob(".*")), "a partial folder was left behind"


def test_the_newest_three_are_kept(run):
    for step in (1, 2, 10, 9, 100):
        save(run, step)
    assert [folder.name for folder in run.checkpoint_folders()] == ["step-0000100", "step-0000010", "step-0000009"]


@pytest.mark.parametrize(
    ("rule", "stay"),
    [
        ("last 1", [500]),
        ("last 2", [500, 400]),
        ("every 200", [500, 400, 200]),
        ("every 500", [500]),
        ("every 7", [500]),
        ("all", [500, 400, 300, 200, 100]),
    ],
)
def test_which_checkpoints_stay(run, rule, stay):
    for step in (100, 200, 300, 400, 500):
        run.save_checkpoint(step, {}, noted(step), keep=rule)
    assert [step_of(folder) for folder in run.checkpoint_folders()] == stay


def test_the_checkpoint_of_a_step(run):
    for step in (100, 200, 300):
        save(run, step)
    tensors, state = run.load_checkpoint(200)
    assert state == noted(200)
    assert tensors["generator"]["w"].tolist() == [200, 200]
    with pytest.raises(ConfigError, match="no checkpoint of step 260") as error:
        run.load_checkpoint(260)
    assert (error.value.allowed, error.value.hint) == ("100, 200, 300", "--step 300")


def test_a_damaged_checkpoint_that_was_asked_for_is_not_replaced_by_another(run):
    save(run, 1)
    (save(run, 2) / "generator.safetensors").write_bytes(b"short")
    with pytest.raises(CheckpointError, match=r"checkpoint of step 2 .* is not intact"):
        run.load_checkpoint(2)


def test_what_comes_after_a_step_is_discarded(run, caplog):
    for step in (1, 2, 10):
        save(run, step)
        (run.samples / f"step-{step:07d}.png").write_bytes(b"")
    (run.samples / "mine.png").write_bytes(b"")
    with caplog.at_level("INFO", logger="ganzoo"):
        run.discard_after(10)
        assert caplog.text == ""
        run.discard_after(2)
    assert "training goes on from step 2" in caplog.text
    assert sorted(path.name for path in run.samples.iterdir()) == ["mine.png", "step-0000001.png", "step-0000002.png"]
    assert [step_of(folder) for folder in run.checkpoint_folders()] == [2, 1]


def test_newest_means_the_highest_step_not_the_longest_name(run):
    for step in (9_999_000, 9_999_999, 10_000_500, 9_999_500):
        save(run, step)
    assert [folder.name for folder in run.checkpoint_folders()] == ["step-10000500", "step-9999999", "step-9999500"]


def test_a_checkpoint_is_on_disk_before_it_takes_its_name(run, monkeypatch):
    happened = []
    flush, rename = checkpoint.flush_to_disk, Path.rename
    monkeypatch.setattr(checkpoint, "flush_to_disk", lambda path: (happened.append(path.name), flush(path)))
    monkeypatch.setattr(Path, "rename", lambda one, two: (happened.append("rename"), rename(one, two))[1])
    folder = save(run, 1)
    written = sorted([*(path.name for path in folder.iterdir()), ".step-0000001.partial"])
    assert sorted(happened[: len(written)]) == written
    assert happened[len(written) :] == ["rename", "checkpoints"]


def test_a_save_that_fails_costs_no_older_checkpoint(run, monkeypatch):
    for step in (1, 2, 3):
        save(run, step)
    before = run.checkpoint_folders()

    def full(part, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(ResourceError, match="No space left"):
        save(run, 4)
    monkeypatch.undo()
    assert run.checkpoint_folders() == before
    save(run, 5)
    assert [folder.name for folder in run.checkpoint_folders()] == ["step-0000005", "step-0000003", "step-0000002"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "generator.safetensors").write_bytes(b"short"),
        lambda folder: (folder / "generator.safetensors").unlink(),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: (folder / "state.json").write_text('{"step": 3}'),
    ],
)
def test_a_damaged_checkpoint_is_skipped_loudly(run, damage, caplog):
    save(run, 1)
    damage(save(run, 2))
    _, state = run.load_checkpoint()
    assert state == noted(1)
    assert "step-0000002 skipped" in caplog.text


def test_one_flipped_bit_is_found(run):
    folder = save(run, 1)
    path = folder / "generator.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=r"generator\.safetensors does not match"):
        read(folder)
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        run.load_checkpoint()


def test_leftovers_of_a_killed_save_do_not_matter(run):
    save(run, 1)
    partial = run.checkpoints / ".step-0000002.partial"
    partial.mkdir()
    (partial / "generator.safetensors").write_bytes(b"half")
    assert run.load_checkpoint()[1] == noted(1)
    save(run, 3)
    assert run.load_checkpoint()[1] == noted(3)
    assert not partial.exists()


def test_files_are_replaced_whole(run):
    run.write_manifest({"status": "running"})
    run.write_manifest({"status": "finished"})
    assert run.read_manifest() == {"status": "finished"}
    assert json.loads(run.manifest.read_text()) == {"status": "finished"}
    assert not list(run.path.glob(".*partial"))


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ResourceError, match="file"):
        RunDirectory.create(tmp_path / "file", "x")


def test_runs_are_found_by_path_name_number_and_default(tmp_path):
    runs = [RunDirectory.create(tmp_path, name) for name in ("first", "second", "third")]
    for run, status in zip(runs, ("interrupted", "interrupted", "finished"), strict=True):
        files.write_text(run.config, "version: 1\n")
        run.write_manifest({"status": status})
    for word, expected in (
        (str(runs[0].path), 0),
        ("0002-second", 1),
        ("3", 2),
        ("0003", 2),
        (None, 1),
    ):
        assert find_run(tmp_path, word).path == runs[expected].path
    runs[0].write_manifest({"status": "finished"})
    runs[1].write_manifest({"status": "finished"})
    assert find_run(tmp_path, None).path == runs[2].path, "all finished: the newest"
    runs[0].write_manifest({"status": "interrupted"})
    runs[1].write_manifest({"status": "diverged"})
    assert find_run(tmp_path, None).path == runs[0].path, "a diverged run would diverge again"


def test_what_ended_before_it_began_is_not_the_newest_run(tmp_path):
    runs = [RunDirectory.create(tmp_path, name) for name in ("first", "second")]
    with pytest.raises(ConfigError, match="there are no runs in"):
        find_run(tmp_path, None)
    files.write_text(runs[0].config, "version: 1\n")
    assert find_run(tmp_path, None).path == runs[0].path
    assert find_run(tmp_path, "2").path == runs[1].path, "who names it is told what it lacks"


def test_a_run_that_is_not_there_is_named_with_those_that_are(tmp_path):
    RunDirectory.create(tmp_path, "only")
    with pytest.raises(ConfigError) as error:
        find_run(tmp_path, "17")
    assert error.value.allowed == "0001-only"
    with pytest.raises(ConfigError, match="there are no runs in"):
        find_run(tmp_path / "empty", None)


def test_of_many_runs_the_newest_are_named_as_such(tmp_path):
    for _ in range(6):
        RunDirectory.create(tmp_path, "a")
    with pytest.raises(ConfigError) as error:
        find_run(tmp_path, "17")
    assert error.value.allowed == "the newest ones: 0002-a, 0003-a, 0004-a, 0005-a, 0006-a"
    assert error.value.hint.endswith("use --runs DIR if your runs are in another folder")


def test_a_checkpoint_is_removed_whole_whatever_ends_the_process_meanwhile(tmp_path, monkeypatch):
    """Half of one under its name would be measured by a comparison, and fail there."""
    run = RunDirectory.create(tmp_path, "a")
    for step in (1, 2):
        run.save_checkpoint(step, {}, noted(step), keep="all")
    with monkeypatch.context() as killed:
        killed.setattr(directories.shutil, "rmtree", lambda *_, **__: None)
        run.save_checkpoint(3, {}, noted(3), keep="last 1")
    assert [folder.name for folder in run.checkpoint_folders()] == ["step-0000003"]
    assert len(list(run.checkpoints.iterdir())) == 3
    run.thin_checkpoints("last 1")
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-0000003"]


def test_a_checkpoint_that_cannot_be_moved_aside_stays_whole(tmp_path, monkeypatch):
    run = RunDirectory.create(tmp_path, "a")
    run.save_checkpoint(1, {}, noted(1), keep="all")

    def refused(*_):
        raise OSError("no space left")

    with monkeypatch.context() as full:
        full.setattr(Path, "rename", refused)
        run.discard_after(0)
    (folder,) = run.checkpoint_folders()
    read(folder)
