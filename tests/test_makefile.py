"""``make run`` installs what a run needs and no more, and pip shows how far it is."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from pages import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def installs(target, venv):
    """The arguments of each ``pip install`` that a target would call."""
    made = subprocess.run(
        ["make", "--dry-run", target, f"VENV={venv}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line.partition(" install ")[2].split() for line in made.stdout.splitlines() if " pip install " in line]


def test_a_run_installs_the_package_alone(tmp_path):
    [arguments] = installs("run", tmp_path / "venv")
    assert arguments == ["--no-compile", "--constraint", "constraints.txt", "--editable", "."]


@pytest.mark.parametrize("target", ["test", "check", "lint", "docs", "setup"])
def test_what_develops_adds_the_development_set(tmp_path, target):
    runs, develops = installs(target, tmp_path / "venv")
    assert runs[-1] == "."
    assert develops == ["--no-compile", "--constraint", "constraints.txt", "--editable", "'.[dev]'"]


def test_what_is_installed_is_not_installed_again(tmp_path):
    (tmp_path / ".installed").touch()
    assert installs("run", tmp_path) == []
    [develops] = installs("test", tmp_path)
    assert develops[-1] == "'.[dev]'"
    (tmp_path / ".ready").touch()
    assert installs("test", tmp_path) == []


@pytest.mark.xdist_group("of one process")
def test_groups_of_tests_stay_in_one_process(request):
    """Where several processes share the tests, the group is in the names that they tell each other."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("one process has all tests")
    assert request.node.nodeid.endswith("@of one process")
