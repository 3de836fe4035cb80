"""``ganzoo runs``."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from ganzoo.cli.runs import ago, bytes_in_words
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.listing import listed_runs


@pytest.fixture
def run(tiny, tmp_path):
    return RunDirectory(tmp_path / tiny("--set train.log_every=1 --reg r1 --augment diffaugment --quiet").out.strip())


def changed(run, **entries):
    run.manifest.write_text(json.dumps({**json.loads(run.manifest.read_text()), **entries}))


def test_a_run_in_json(ganzoo, run):
    changed(run, started=(datetime.now(UTC) - timedelta(hours=3)).isoformat())
    [row] = ganzoo("runs --json").json
    assert 3 * 3600 <= row.pop("age") < 3 * 3600 + 60
    assert row.pop("started") < row.pop("ended")
    assert row == {
        "number": 1,
        "path": f"runs/{run.path.name}",
        "status": "finished",
        "step": 2,
        "steps": 2,
        "data": "synthetic",
        "parts": ["hinge", "patchgan-sn", "dcgan", "r1", "diffaugment"],
        "size": sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file()),
    }


def test_a_table_that_fits_a_hundred_columns(ganzoo, run, tmp_path):
    """By number, also beyond 9999; long names are folded, not cut."""
    for name in ("10000-x", "0012-x"):
        shutil.copytree(run.path, tmp_path / "runs" / name)
    outcome = ganzoo("runs", width=300)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].split() == ["run", "status", "step", "data", "parts", "age", "size"]
    assert [int(line[:6]) for line in lines[1:] if line[:6].strip()] == [1, 12, 10_000]
    told = " ".join(outcome.out.split())
    assert "finished 2 of 2 synthetic hinge patchgan-sn dcgan r1" in told
    assert "diffaugment" in told


def test_a_long_path_and_many_parts_are_folded(ganzoo, run):
    text = run.config.read_text().replace("name: synthetic", f"name: pictures, path: /data/{'long' * 20}")
    run.config.write_text(text)
    outcome = ganzoo("runs")
    assert max(map(len, outcome.out.splitlines())) <= 100
    assert ganzoo("runs --json").json[0]["data"] == f"pictures {'long' * 20}"
    assert outcome.out.count("long") >= 16


def test_how_far_a_live_run_is_and_that_a_process_holds_it(run):
    """Its manifest knows only where it began; its rows know more."""
    changed(run, status="running", step=0)
    with run.locked():
        [one] = listed_runs(run.path.parent)
        assert (one.status, one.step) == ("running", 2)
    [one] = listed_runs(run.path.parent)
    assert (one.status, one.step) == ("killed", 2)
    with run.locked():
        pass  # asking leaves no lock behind
    run.metrics.write_text(run.metrics.read_text() + '{"step": 7')
    assert listed_runs(run.path.parent)[0].step == 2, "a row that is being written does not count"


def test_what_is_damaged_is_listed_and_what_is_no_run_is_not(ganzoo, run, tmp_path):
    run.manifest.write_text("{")
    run.config.write_text("loss: [")
    for folder in ("0003-began", "notes", "1-short"):
        (tmp_path / "runs" / folder).mkdir()
    (tmp_path / "runs" / "0004-file").write_text("")
    rows = ganzoo("runs --json").json
    assert [(row["number"], row["status"]) for row in rows] == [(1, "unreadable"), (3, "not started")]
    assert [(row["data"], row["parts"], row["age"]) for row in rows] == [(None, [], None)] * 2
    assert ganzoo("runs").code == 0


def test_a_folder_without_runs(ganzoo, tmp_path):
    outcome = ganzoo("runs")
    assert (outcome.code, outcome.out) == (0, "")
    assert "there are no runs in runs/; start one with: ganzoo run" in outcome.err
    assert ganzoo("runs --json").json == []
    (tmp_path / "file").write_text("")
    assert "file is a file, and a folder is needed" in ganzoo("runs --runs file").err


def test_another_folder_by_its_name_or_by_what_that_was_called(ganzoo, run, tmp_path):
    (tmp_path / "runs").rename(tmp_path / "experiments")
    for flag in ("--runs", "--out"):
        assert len(ganzoo(f"runs {flag} experiments --json").json) == 1
    assert "--runs and --out both name the folder" in ganzoo("runs --runs a --out b").err


def test_it_loads_neither_torch_nor_plugins(tmp_path):
    code = (
        "import sys; from ganzoo.cli import app\n"
        "try: app(args=['runs', '--json'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'numpy', 'PIL', 'safetensors', 'ganzoo_losses') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86400 * 9.5, "9 d")],
)
def test_ages(seconds, words):
    assert ago(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_960, "10 kB"),
        (999_600, "1.0 MB"),
        (23_400_000_000, "23 GB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_sizes(count, words):
    assert bytes_in_words(count) == words
