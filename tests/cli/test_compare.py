"""``ganzoo compare``."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.torch import load_file
from trained_together import assert_equals_torchrun, by_torchrun

from ganzoo.cli import compare, compare_plan
from ganzoo.errors import ConfigError, DataError, DivergedError, ResourceError
from ganzoo.registry import Registry
from ganzoo.screen import Screen
from ganzoo.studies import comparing, local_processes
from ganzoo.studies.comparing import create
from ganzoo.studies.comparison import Budget, Comparison, Definition
from ganzoo.studies.grid import plan_cells
from ganzoo.studies.outcome import outcome_of
from ganzoo.studies.working import work

SMALL = (
    "--data ring --disc mlp -n 50 --set disc.width=4 --set gen.width=4 --set gen.latent=2 --set data.n=64 "
    "--set train.checkpoint_every=20 --set train.keep=all --set train.sample_every=1000 --batch-size 8"
)
PAIR = f"compare {SMALL} --loss hinge,bce --steps 60 --seeds 1"


def test_killed_at_any_instant_it_goes_on(ganzoo, tmp_path, monkeypatch):
    """The driver is killed while its second run trains; the same command is given again, and its worker is killed."""
    comparison = asked_by_pair(tmp_path / "comparisons")
    cells = comparison.path / "cells"
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    work(comparison, comparison.cell("hinge+mlp"), 0, threads=threads)
    driver = subprocess.Popen(
        [sys.executable, "-m", "ganzoo", *PAIR.split()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path
    )
    try:
        training = until(lambda: next(cells.glob("bce+mlp/seed-0/0001-*/checkpoints/step-0000020"), None), driver)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    (done,) = cells.glob("hinge+mlp/seed-0/0001-*")
    before = files_of(done.parent)
    assert not (cells / "bce+mlp" / "seed-0" / "evaluation.json").exists()

    workers = kill_the_first(monkeypatch)
    outcome = ganzoo(PAIR)
    assert outcome.code == 0, outcome.err
    assert [worker.returncode for worker in workers] == [-signal.SIGKILL, 0]
    assert "its process was killed by signal 9; it goes on from its last checkpoint" in outcome.err
    assert files_of(done.parent) == before, "what was done is done again"
    assert [path.name for path in (cells / "bce+mlp" / "seed-0").glob("0*")] == [training.parent.parent.name]
    assert "one seed says nothing about chance" in outcome.out

    elsewhere = Comparison(
        path=tmp_path / "whole", asked=comparison.asked, words=comparison.words, cells=comparison.cells
    )
    whole, cell = elsewhere.place(elsewhere.cell("bce+mlp"), 0), elsewhere.cell("bce+mlp")
    work(elsewhere, cell, 0, threads=threads)
    for name in ("generator", "discriminator", "optimizers", "ema"):
        one, other = (load_file(next(place.glob(f"0*/checkpoints/step-0000060/{name}.safetensors")))
                      for place in (whole, cells / "bce+mlp" / "seed-0"))  # fmt: skip
        assert all(one[key].equal(other[key]) for key in one)
    assert outcome_of(whole).values == outcome_of(cells / "bce+mlp" / "seed-0").values


def test_two_processes_train_what_torchrun_trains_though_one_is_killed(ganzoo, tmp_path, monkeypatch):
    """Given again, the folder alone says how many they are."""
    line = f"compare {SMALL} --loss hinge --steps 200 --seeds 1 --processes 2"
    workers = killed_once_it_trains(monkeypatch, tmp_path / "comparisons", number=1)
    outcome = ganzoo(line)
    assert outcome.code == 0, outcome.err
    assert [worker.returncode for worker in workers] == [ResourceError.exit_code, -signal.SIGKILL, 0, 0]
    assert "its process 2 of 2 was killed by signal 9; it goes on from its last checkpoint" in outcome.err
    assert "2 processes train each run together" in outcome.err
    (path,) = (tmp_path / "comparisons").glob("0*")
    comparison = Comparison.read(path)
    (run,) = comparison.place(comparison.cells[0], 0).glob("0*")
    record = json.loads((run / "manifest.json").read_text())
    assert record["processes"] == 2
    assert_equals_torchrun(comparison, by_torchrun(comparison, tmp_path, threads=record["threads"]))
    ganzoo(f"compare {comparison.word}")
    assert len(workers) == 4, "what is done is done again"


def killed_once_it_trains(monkeypatch, folder, *, number):
    """Kill this one of the workers that this process starts, once a checkpoint is there; returns them all."""
    workers, start = [], subprocess.Popen

    def kill():
        while not list(folder.glob("*/cells/*/seed-0/0001-*/checkpoints/step-0000020")):
            time.sleep(0.01)
        workers[number].kill()

    def started(*words, **options):
        workers.append(start(*words, **options))
        if len(workers) == number + 1:
            threading.Thread(target=kill, daemon=True).start()
        return workers[-1]

    monkeypatch.setattr(local_processes, "subprocess", SimpleNamespace(Popen=started, PIPE=subprocess.PIPE))
    return workers


def kill_the_first(monkeypatch):
    """Kill the first worker that this process starts, and no other; returns them all."""
    workers, start = [], subprocess.Popen

    def started(*words, **options):
        workers.append(start(*words, **options))
        if len(workers) == 1:
            workers[0].kill()
        return workers[-1]

    monkeypatch.setattr(local_processes.subprocess, "Popen", started)
    return workers


def asked_by_pair(folder):
    """The comparison that ``PAIR`` asks."""
    settings = {
        "discriminator.width": 4,
        "generator.width": 4,
        "generator.latent": 2,
        "data.n": 64,
        "train.checkpoint_every": 20,
        "train.keep": "all",
        "train.sample_every": 1000,
        "data.name": "ring",
        "train.batch_size": 8,
    }
    definition = Definition(
        axes={"loss": ("hinge", "bce"), "discriminator": ("mlp",)},
        settings=settings,
        budget=Budget(kind="steps", amount=60),
        seeds=1,
        n=50,
    )
    return create(plan_cells(Registry.load(plugins=False), definition), definition, folder)


def until(found, process, seconds=120):
    """What is found in the end, while the process runs."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if (something := found()) is not None:
            return something
        assert process.poll() is None, process.stdout.read().decode()
        time.sleep(0.01)
    raise AssertionError("nothing was found in time")


def files_of(folder):
    """Every file with what shows that it was written again."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_worker_ends_when_nobody_holds_its_input(tmp_path):
    """It is asked for a comparison that is not there only after it has noticed."""
    script = "import time, threading; from ganzoo.studies import worker; worker._end_with_parent()"
    ended = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, check=False)
    assert ended.returncode == -signal.SIGTERM


def test_a_run_that_diverges_is_kept_and_not_run_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    registry = Registry.load(plugins=False)
    settings = {"data.name": "ring", "data.n": 64, "train.optimizer": "sgd", "train.d_lr": 1e30, "train.batch_size": 8}
    axes = {"loss": ("lsgan",), "discriminator": ("mlp",)}
    definition = Definition(axes=axes, settings=settings, budget=Budget(kind="steps", amount=20), seeds=1, n=50)
    comparison = create(plan_cells(registry, definition), definition, tmp_path)
    (cell,) = comparison.cells
    with pytest.raises(DivergedError):
        work(comparison, cell, 0, threads=1)
    found = outcome_of(comparison.place(cell, 0))
    assert (found.status, found.settled) == ("diverged", True)
    assert "finite" in found.reason
    work(comparison, cell, 0, threads=1)


def test_data_that_changed_are_not_trained_on(tmp_path):
    """A run that has not begun knows its data by the fingerprint in the comparison alone."""
    np.save(tmp_path / "pictures.npy", np.arange(8 * 8 * 8, dtype=np.uint8).reshape(8, 8, 8))
    settings = {"data.name": "pictures", "data.path": str(tmp_path / "pictures.npy"), "train.batch_size": 4}
    axes = {"loss": ("hinge",), "discriminator": ("dcgan",)}
    definition = Definition(axes=axes, settings=settings, budget=Budget(kind="steps", amount=1), seeds=1)
    comparison = create(plan_cells(Registry.load(plugins=False), definition), definition, tmp_path)
    (cell,) = comparison.cells
    np.save(tmp_path / "pictures.npy", np.zeros((8, 8, 8), np.uint8))
    with pytest.raises(DataError, match=r"hinge \+ dcgan.*pictures\.npy"):
        work(comparison, cell, 0, threads=1)
    assert outcome_of(comparison.place(cell, 0)).status == "waiting"


def test_a_dry_run_shows_the_grid_and_writes_nothing(ganzoo, tmp_path):
    outcome = ganzoo(
        f"compare {SMALL.replace('--disc mlp', '--disc mlp,dcgan')} --loss hinge,bce --steps 5 --processes 2 --dry-run"
    )
    assert outcome.code == 0, outcome.err
    assert "hinge + dcgan  refused: " in outcome.out
    assert "6 runs, one after another" in outcome.out
    assert "so long takes one process; 2 together were not timed" in outcome.out
    assert re.search(r"hinge \+ mlp    1 s, then \d+ s of metrics", outcome.out)
    assert re.search(r"about \d+ s of training and \d+ s of metrics", outcome.out)
    assert "measuring steps and metrics of bce + mlp" in outcome.err
    assert not list(tmp_path.glob("comparisons/*"))
    plain = ganzoo(f"compare {SMALL} --loss hinge --set train.d_lr=1e-3,2e-3 --minutes 1 --dry-run --json").json
    assert [cell["name"] for cell in plain["cells"]] == [
        "hinge + mlp + train.d_lr=0.001",
        "hinge + mlp + train.d_lr=0.002",
    ]
    assert (plain["runs"], plain["estimated_seconds"], plain["not_estimated"]) == (6, 360, {})
    assert plain["processes"] == 1
    each = [cell["evaluation_seconds"] for cell in plain["cells"]]
    assert plain["estimated_evaluation_seconds"] == pytest.approx(3 * sum(each))
    assert min(each) > 0


@pytest.fixture
def nothing_trains(monkeypatch):
    def stopped(*_, **__):
        raise ConfigError("here the runs would start")

    monkeypatch.setattr(comparing, "go_on", stopped)


def test_before_work_it_says_how_long_that_takes_and_what_is_shorter(ganzoo, nothing_trains, monkeypatch):
    told = ganzoo(f"compare {SMALL} --loss hinge,bce --steps 5").err
    assert "2 combinations, 3 seeds each" in told
    assert "5 generator steps for each run" in told
    assert re.search(r"6 runs, one after another: about \d+ s of training and \d+ s of metrics\nshorter: --steps", told)
    assert "cells/COMBINATION/seed-N/worker.log" in told
    assert told.index("worker.log") < told.index("here the runs would start")
    again = ganzoo(f"compare {SMALL} --loss hinge,bce --steps 5").err
    assert "6 runs" in again, "nothing is done yet"
    assert "measuring" not in ganzoo(f"compare {SMALL} --loss hinge,bce --steps 5 --quiet").err
    monkeypatch.setattr(compare_plan, "estimate", lambda setup: 1 / 0)
    failed = ganzoo(f"compare {SMALL} --loss bce --steps 5").err
    assert "its time could not be estimated: ZeroDivisionError" in failed
    assert "here the runs would start" in failed


def test_from_the_first_run_on_it_says_how_long_the_rest_takes(capsys, monkeypatch):
    monkeypatch.setattr(compare.time, "monotonic", iter([0.0, 1.0, 60.0, 90.0]).__next__)
    tell = compare._teller(Screen(stderr=True, width=200))
    for job, status, done in [("a", "started", 2), ("a", "finished", 3), ("b", "finished", 4)]:
        tell(job, status, done, 4)
    assert capsys.readouterr().err.splitlines() == [
        "2 of 4 done; a: started",
        "3 of 4 done, about 60 s left; a: finished",
        "4 of 4 done; b: finished",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("comparisons/9 --loss bce", "is as it was asked"),
        ("comparisons/9", "is not the folder of a comparison"),
        ("--loss hinge --engine dask", "there is no such engine"),
        ("--loss hing", "there is no loss called 'hing'"),
        ("--loss hinge,bce --steps 3 --minutes 3", "a comparison has one budget"),
        ("comparisons/9 --processes 2", "is as it was asked"),
        ("--loss hinge,bce --data ring --disc mlp --steps 3 --processes 3", "cannot be divided among 3 processes"),
        ("--metric mode-coverage --loss hinge --data digits --disc patchgan-sn --steps 3", "no combination"),
    ],
)
def test_what_is_refused(ganzoo, tmp_path, line, words):
    outcome = ganzoo(f"compare {line}")
    assert outcome.code == 2
    assert words in outcome.err
    assert not list(Path(tmp_path).glob("comparisons/*"))


def test_json_of_a_finished_comparison(ganzoo, tmp_path, monkeypatch):
    """Everything is done, so that no process is started."""
    monkeypatch.setattr("subprocess.Popen", None)
    registry = Registry.load(plugins=False)
    settings = {"data.name": "ring", "data.n": 64, "generator.width": 4, "train.batch_size": 8}
    definition = Definition(
        axes={"loss": ("hinge",), "discriminator": ("mlp",)},
        settings=settings,
        budget=Budget(kind="steps", amount=4),
        seeds=1,
        n=50,
    )
    comparison = create(plan_cells(registry, definition), definition, tmp_path / "comparisons")
    work(comparison, comparison.cells[0], 0, threads=1)
    outcome = ganzoo(f"compare {comparison.word} --json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["cells"][0]["seeds"][0]["steps"] == 4
    assert outcome.json["path"] == str(comparison.path)
    assert json.loads((comparison.path / "leaderboard.json").read_text())["verdict"] == outcome.json["verdict"]
