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


def audited(folder, *, answer=None):
    """What ``make audit`` says and how it ends, with a ``pip-audit`` that gives this answer, or without one."""
    for name in ("bash", "dirname", "grep"):
        (folder / name).symlink_to(shutil.which(name))
    if answer is not None:
        words, code = answer
        (folder / "pip-audit").write_text(f"#!{shutil.which('bash')}\nprintf '%s\\n' '{words}'\nexit {code}\n")
        (folder / "pip-audit").chmod(0o755)
    done = subprocess.run(
        [shutil.which("bash"), str(ROOT / ".ci" / "audit")], env={"PATH": str(folder)}, capture_output=True, text=True
    )
    return done.stdout, done.returncode


SKIPPED = "Dependency not found on PyPI and could not be audited"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ("requests.exceptions.ConnectionError: no way", 1),
        (f"No known vulnerabilities found\n{(SKIPPED + chr(10)) * 500}", 0),
    ],
    ids=["not installed", "no connection", "all skipped"],
)
def test_that_known_holes_were_not_looked_for_is_said(tmp_path, answer):
    told, code = audited(tmp_path, answer=answer)
    assert "known holes of dependencies were not looked for" in told
    assert code == 0


@pytest.mark.parametrize("code", [0, 1])
def test_what_pip_audit_finds_decides(tmp_path, code):
    told, ended = audited(tmp_path, answer=(f"one hole\n{SKIPPED}", code))
    assert "one hole" in told
    assert "not looked for" not in told
    assert ended == code
