"""Real processes, really stopped: Ctrl-C, SIGTERM and kill -9 in the middle of a run, then ``ganzoo resume``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from comparing import SMALL, assert_same_outcome, rows
from typer.testing import CliRunner

from ganzoo.cli import app
from ganzoo.cli.dotted_flags import written_out
from ganzoo.runs.directory import RunDirectory

STEPS = 60
CASES = [
    ("hinge", "patchgan-sn", signal.SIGKILL),
    ("wgan-gp", "dcgan", signal.SIGINT),
    ("bce", "acgan", signal.SIGTERM),
]


def command(loss: str, discriminator: str, out: Path) -> list[str]:
    settings = {**SMALL, "train.n_critic": 1}
    flags = ["--loss", loss, "--disc", discriminator, "--data", "synthetic", "--image-size", "16"]
    sets = [f"--set={path}={value}" for path, value in settings.items()]
    return ["run", *flags, *sets, "--batch-size", "4", "--steps", str(STEPS), "--out", str(out), "--quiet"]


def here(words: list[str]) -> str:
    """What a command prints that is carried out in this process, which has torch already."""
    result = CliRunner().invoke(app, written_out(words))
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def wait_for_rows(out: Path, count: int, process: subprocess.Popen[str]) -> Path:
    """Until the run has written some rows; it may need long on a busy machine, but it must get there."""
    while process.poll() is None:
        for run in out.glob("0001-*"):
            if (run / "metrics.jsonl").exists() and len((run / "metrics.jsonl").read_bytes().splitlines()) > count:
                return run
        time.sleep(0.005)
    raise AssertionError(f"the run ended by itself: {process.communicate()}")


@pytest.mark.parametrize(("loss", "discriminator", "number"), CASES)
def test_a_stopped_process_resumes_bit_by_bit(tmp_path, loss, discriminator, number):
    with subprocess.Popen(
        [sys.executable, "-m", "ganzoo", *command(loss, discriminator, tmp_path / "cut")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        run = wait_for_rows(tmp_path / "cut", 9, process)
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    manifest = RunDirectory(run).read_manifest()
    if number != signal.SIGKILL:
        saved = RunDirectory(run).checkpoint_folders()[0].name
        assert saved == f"step-{len(rows(run)):07d}", "the step was finished and saved"
        assert manifest["status"] == "interrupted"
        assert f"ganzoo resume {run}" in errors
    assert len(rows(run)) < STEPS, "the run was over before it could be stopped"
    here(["resume", str(run), "--quiet"])  # not in the process that was stopped
    assert_same_outcome(Path(here(command(loss, discriminator, tmp_path / "whole"))), run)
    changed = RunDirectory(run).read_manifest()["resumed"][0]["changed"]
    assert changed == {}, f"{os.environ.get('OMP_NUM_THREADS')}: {changed}"
