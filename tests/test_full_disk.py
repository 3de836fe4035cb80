"""Writing that fails at any file of a run: exit code 6 and a reason, no traceback, nothing left beside.

The system itself refuses, by a bound on the size of files: as a full disk does, it refuses whoever writes, be it Python
or the libraries. Where the bound lies decides which file is the first that fails.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from typer.testing import CliRunner

import ganzoo
from ganzoo.cli import app
from ganzoo.errors import DivergedError, ResourceError
from ganzoo.evaluation import gathering
from ganzoo.evaluation.kept_facts import KeptFacts
from ganzoo.protocols import Extracted
from ganzoo.runs import checkpoint
from ganzoo.runs.directory import RunDirectory
from ganzoo.studies.comparison import Comparison

resource = pytest.importorskip("resource", reason="this system has no bound on the size of files")
TINY = "run --loss hinge --disc mlp --gen mlp --data ring --steps 6 --batch-size 8 --quiet --device cpu"
SETTINGS = ("train.log_every=1", "train.checkpoint_every=3", "train.sample_every=3", "runtime.threads=1")


@contextmanager
def files_of_at_most(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python cuts off the bytecode of what is imported meanwhile, in silence, and every later process fails at it.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = kept


def trained(folder, *words):
    settings = [word for one in SETTINGS for word in ("--set", one)]
    return CliRunner().invoke(app, [*TINY.split(), *settings, "--out", str(folder), *words])


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    """How large the files of an undisturbed run become, in the order of size."""
    folder = tmp_path_factory.mktemp("whole")
    assert trained(folder).exit_code == 0
    return sorted({path.stat().st_size for path in folder.rglob("*") if path.is_file()} - {0})


def test_whichever_file_cannot_be_written(sizes, tmp_path):
    for number, size in enumerate(sizes):
        with files_of_at_most(size - 1):
            done = trained(tmp_path / str(number))
        assert done.exit_code == 6, (size, done.output, done.exc_info)
        assert "File too large" in done.output
        assert "Traceback" not in done.output
        assert "bug" not in done.output
        assert not list(tmp_path.rglob("*.partial"))


def test_a_run_that_could_not_begin_leaves_no_folder(tmp_path):
    with files_of_at_most(0):
        result = trained(tmp_path)
    assert result.exit_code == 6
    assert not list(tmp_path.glob("0*"))


@pytest.mark.parametrize("lost", [True, False])
def test_what_is_in_the_folder_of_a_run_stays_when_it_fails(tmp_path, lost, monkeypatch):
    """Somebody lost its configuration, or put another folder in its place: what is there is not the run's to remove."""
    write = checkpoint.write_in_parts

    def refused(folder, tensors, state):
        if state["step"] < 6:
            yield from write(folder, tensors, state)
            return
        if lost:
            (folder.parents[1] / "config.yaml").unlink()
        else:
            folder.parents[1].rename(tmp_path / "moved")
            folder.parents[1].mkdir()
            (folder.parents[1] / "notes.txt").touch()
        raise ResourceError("cannot write: No space left on device")

    monkeypatch.setattr(checkpoint, "write_in_parts", refused)
    assert trained(tmp_path).exit_code == 6
    [run] = tmp_path.glob("0*")
    assert (run / "checkpoints" / "step-0000003" if lost else run / "notes.txt").exists()


def test_a_folder_that_could_not_be_made_whole_goes_again(tmp_path, monkeypatch):
    make = Path.mkdir

    def refused(self, *args, **kwargs):
        if self.name == "checkpoints":
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        make(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refused)
    assert trained(tmp_path).exit_code == 6
    assert not list(tmp_path.glob("0*"))


def test_the_message_names_what_was_lost_first_not_what_failed_after_it(sizes, tmp_path):
    with files_of_at_most(max(sizes) - 1):
        done = trained(tmp_path)
    assert "error: cannot write" in done.output
    assert "checkpoints/step-0000003: File too large; it needs " in done.output.replace("\n", "")


@pytest.mark.parametrize("lock", ["runs/.lock", "runs/0001-a/.lock"])
def test_a_lock_that_cannot_be_written_is_told_below_the_working_folder_too(lock, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = RunDirectory.create(Path("runs"), "a")
    Path(lock).unlink(missing_ok=True)
    Path(lock).mkdir()  # as a place that may not be written, which is refused to nobody who is root
    asked = run.locked() if "0001" in lock else nullcontext()
    with pytest.raises(ResourceError, match=r"^cannot write runs"), asked:
        RunDirectory.create(Path("runs"), "b")


def test_the_lock_of_a_comparison_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / ".lock").mkdir()
    comparison = Comparison(path=tmp_path, asked={}, words="", cells=())
    with pytest.raises(ResourceError, match=r"^cannot write"), comparison.locked():
        pass


def test_the_run_goes_on_once_there_is_space(tmp_path, sizes):
    with files_of_at_most(max(sizes) - 1):
        trained(tmp_path)
    (run,) = tmp_path.glob("0001-*")
    with files_of_at_most(max(sizes) - 1):
        again = CliRunner().invoke(app, ["resume", str(run), "--quiet"])
    assert again.exit_code == 6
    told = " ".join(again.output.split()).rpartition(" next: ")[2]
    assert "--runs DIR" not in told, "it is in the folder of runs that it is in"
    assert "or move it elsewhere, and go on there with: ganzoo resume PATH" in told
    assert CliRunner().invoke(app, ["resume", str(run), "--quiet"]).exit_code == 0
    assert json.loads((run / "manifest.json").read_text(encoding="utf-8"))["status"] == "finished"


def test_what_the_library_of_tensor_files_says_of_a_full_disk_is_an_error_of_the_system(tmp_path, monkeypatch):
    def full(part, path):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    run = RunDirectory.create(tmp_path, "run")
    with pytest.raises(ResourceError, match="No space left on device") as caught:
        run.save_checkpoint(1, {"generator": {"w": torch.zeros(4)}}, {"step": 1})
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert "free some space" in caught.value.hint


def test_what_the_caches_cannot_write_is_told_as_a_full_disk(tmp_path, caplog):
    with files_of_at_most(100):
        facts = KeptFacts(tmp_path)
        facts["radii"] = torch.zeros(50)
        gathering._write(tmp_path / "features.safetensors", Extracted(features=torch.zeros(5, 10)))
    assert "what was found out about real features is not kept for next time: cannot write" in caplog.text
    assert "features of real pictures are not kept for next time: cannot write" in caplog.text
    assert torch.equal(facts["radii"], torch.zeros(50))
    assert list(tmp_path.iterdir()) == []


def test_every_file_of_a_run_is_for_the_same_people(tmp_path):
    before = os.umask(0o027)
    try:
        run = ganzoo.run({"data": "ring", "train": {"steps": 1}, "discriminator": "mlp"}, out=tmp_path)
    finally:
        os.umask(before)
    assert {oct(path.stat().st_mode & 0o777) for path in run.path.rglob("*") if path.is_file()} == {"0o640"}


@pytest.mark.parametrize("network", ["generator", "discriminator", "ema"])
def test_weights_that_are_not_finite_are_not_kept(tmp_path, network):
    run = ganzoo.run({"data": "ring", "train": {"steps": 1}, "discriminator": "mlp"}, out=tmp_path)
    tensors, state = run.directory.load_checkpoint()
    next(iter(tensors[network].values())).view(-1)[0] = float("inf")
    with pytest.raises(DivergedError, match=f"{network} .* not finite after step 2"):
        run.directory.save_checkpoint(2, tensors, {**state, "step": 2})
    assert [folder.name for folder in run.directory.checkpoint_folders()] == ["step-0000001"]


def test_weights_whose_sum_is_not_finite_are_kept_if_they_are(tmp_path):
    run = RunDirectory.create(tmp_path, "run")
    huge = torch.full((3,), torch.finfo(torch.float32).max)
    run.save_checkpoint(1, {"generator": {"w": huge}}, {"step": 1})
    with pytest.raises(DivergedError, match="generator w is not finite"):
        run.save_checkpoint(2, {"generator": {"w": torch.tensor([float("inf"), -float("inf")])}}, {"step": 2})


def test_a_comparison_whose_runs_cannot_write_ends_as_they_did_and_goes_on(tmp_path, monkeypatch):
    """The bound lies above all files of a comparison, and below the checkpoints of the wider critic's runs."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # of the runs' processes
    words = (
        "compare --data ring --disc mlp --gen mlp --loss hinge --steps 2 --seeds 1 -n 50 --batch-size 8 "
        "--set disc.width=8,192 --set gen.width=8 --set data.n=64"
    )
    asked = [*words.split(), "--out", str(tmp_path)]
    with files_of_at_most(100_000):
        done = CliRunner().invoke(app, asked)
    assert done.exit_code == 6, done.output
    assert "1 of 2 runs lacked something on this machine: cannot write" in done.output
    assert "budget: 2" in done.output  # the table of what there is comes first
    assert json.loads((tmp_path / "0001-8-192-ring" / "leaderboard.json").read_text(encoding="utf-8"))["cells"]
    assert CliRunner().invoke(app, ["compare", str(tmp_path / "0001-8-192-ring")]).exit_code == 0
