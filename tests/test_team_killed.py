"""One of two processes that train a run together is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from comparing import assert_same_outcome, rows
from team_killed_process import SIZE

from ganzoo.errors import ProcessLostError
from ganzoo.runs.directory import RunDirectory

PROCESS = Path(__file__).with_name("team_killed_process.py")
pytestmark = pytest.mark.xdist_group("killed team")  # one process makes what they share


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What is left of them; a group that waits for the one it lost would wait here until the time is over."""
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, PROCESS, folder], check=True, timeout=240)
    return folder


@pytest.fixture(scope="module")
def codes(folder):
    return json.loads((folder / "found.json").read_text())


def the_run(folder):
    (found,) = folder.glob("0001-*")
    return found


def test_the_other_ends_and_says_why_and_what_to_do(folder, codes):
    assert codes["whole"] == [0] * SIZE
    assert codes["cut"] == [ProcessLostError.exit_code, -signal.SIGKILL]
    said = (folder / "cut-said-0").read_text()
    assert "another process of this run ended" in said
    assert "ganzoo resume" in said


def test_metrics_of_samples_that_both_have_made_stand_where_they_are_due(folder):
    measured = [row["step"] for row in rows(the_run(folder / "whole")) if any("metric/" in name for name in row)]
    assert measured == [5, 10, 15, 20, 25, 30]


def test_it_goes_on_with_as_many_to_what_would_have_been(folder, codes):
    assert codes["resumed"] == [0] * SIZE
    assert RunDirectory(the_run(folder / "cut")).read_manifest()["status"] == "finished"
    assert_same_outcome(the_run(folder / "whole"), the_run(folder / "cut"))
