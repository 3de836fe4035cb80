"""A part that raises in the middle of a run: who, where and when are told, and the run goes on from there."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import pytest
from broken_plugins.install import PluginFolder
from typer.testing import CliRunner

from ganzoo.cli import app
from ganzoo.cli.dotted_flags import written_out

SMALL = ("--batch-size", "4", "--set", "generator.ngf=8", "--set", "discriminator.ndf=8", "--set", "runtime.threads=1")


@pytest.fixture
def plugins(tmp_path):
    folder = PluginFolder(tmp_path / "site-packages")
    folder.install("fails_late")
    return folder


@pytest.fixture
def ganzoo(tmp_path, plugins):
    """A process of its own, as what fails is seen from outside."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(plugins.path), *sys.path]), "OMP_NUM_THREADS": "1"}

    def run(*arguments, expect=0):
        command = [sys.executable, "-m", "ganzoo", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stderr
        return done

    return run


@pytest.fixture
def here(tmp_path, plugins, monkeypatch):
    """What goes well, in this process, which has torch already; the plugin is read anew each time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(plugins.path)

    def run(*arguments):
        sys.modules.pop("fails_late", None)
        importlib.invalidate_caches()
        result = CliRunner().invoke(app, written_out(list(arguments)))
        assert result.exit_code == 0, result.output

    yield run
    sys.modules.pop("fails_late", None)


def rows(path):
    kept = [json.loads(line) for line in (path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in row.items() if not name.startswith("time/")} for row in kept]


def tensors(path):
    (newest,) = sorted((path / "checkpoints").glob("step-*"))[-1:]
    return {file.name: file.read_bytes() for file in newest.glob("*.safetensors") if file.stem != "adaptive"}


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_loss_that_raises_is_named_and_the_run_goes_on_as_if_it_had_not(ganzoo, here, tmp_path, player):
    options = ("--loss", "late", "--set", f"loss.player={player}", "--set", "train.log_every=1", *SMALL)
    here("run", *options, "--steps", "6", "--out", "whole", "--set", "loss.fails=false")
    failed = ganzoo("run", *options, "--steps", "6", "--out", "broken", expect=4)
    (broken,) = (tmp_path / "broken").glob("0001-*")
    assert "loss late of fails-late 1.0 raised ZeroDivisionError in step 4: the fourth call" in failed.stderr
    assert failed.stderr.count("ZeroDivisionError") == 1, "the log says the same, and does not show it here"
    assert "fails_late.py, line " in failed.stderr
    assert "in _count" in failed.stderr
    assert "ganzoo check fails-late/late" in failed.stderr
    assert f"ganzoo resume {broken.relative_to(tmp_path)}" in failed.stderr
    assert failed.stdout == ""
    assert "Traceback" not in failed.stderr
    assert "ZeroDivisionError" in (broken / "log.txt").read_text(encoding="utf-8")
    assert "Traceback" in (broken / "log.txt").read_text(encoding="utf-8")
    manifest = json.loads((broken / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["status"], manifest["step"]) == ("failed", 3)
    assert "fails_late.py" in manifest["fault"]
    plugin = tmp_path / "site-packages" / "fails_late.py"
    plugin.write_text(plugin.read_text(encoding="utf-8").replace("self.calls == 4", "False"), encoding="utf-8")
    here("resume", str(broken))
    (whole,) = (tmp_path / "whole").glob("0001-*")
    # Of D's terms in the step that broke off in G's update, nobody is left to tell.
    lost = {3} if player == "generator" else set()
    assert [row for number, row in enumerate(rows(broken)) if number not in lost] == [
        row for number, row in enumerate(rows(whole)) if number not in lost
    ]
    assert tensors(broken) == tensors(whole)


def test_parts_print_to_stderr_and_a_metric_that_raises_costs_a_warning(ganzoo, tmp_path):
    done = ganzoo(
        *("run", "--loss", "late", "--set", "loss.fails=false", "--metric", "moody", *SMALL),
        *("--steps", "4", "--set", "train.sample_every=1", "--set", "train.log_every=1", "--json"),
    )
    (path,) = (tmp_path / "runs").glob("0001-*")
    assert json.loads(done.stdout) == {"path": f"runs/{path.name}", "status": "finished", "step": 4}
    assert "a part prints" in done.stderr
    assert "metric moody of fails-late 1.0 raised KeyError at step 2" in done.stderr
    measured = [row.get("metric/moody/value") for row in rows(path)]
    assert measured == [1.0, None, 4.0, 5.0]
