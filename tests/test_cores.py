"""How threads wait is chosen before torch is there, from what is free, unless somebody has chosen already."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ganzoo import cores

PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE"}
BOUNDED = {"GOMP_SPINCOUNT": cores.SPINS}


@pytest.mark.parametrize(
    ("total", "free", "environment"),
    [
        (2, 2.0, BOUNDED),
        (2, 1.7, BOUNDED),
        (2, 0.8, PASSIVE),
        (2, 0.0, PASSIVE | {"OMP_NUM_THREADS": "1"}),
        (16, 15.0, BOUNDED),
        (16, 3.2, PASSIVE | {"OMP_NUM_THREADS": "5"}),
        (1, 0.3, PASSIVE),
    ],
)
def test_threads_spin_on_free_cores_alone_and_are_one_more_than_these(total, free, environment):
    seen = cores.choice(total, free)
    assert (seen.environment, seen.busy) == (environment, "OMP_WAIT_POLICY" in environment)
    assert f"{free:.1f} of {total} cores are free" in str(seen)


def test_a_share_is_one():
    assert 0 < cores.free_share(1, seconds=0.01) <= 1


@pytest.mark.parametrize(
    ("shares", "share", "looks"),
    [([0.9], 0.9, 1), ([0.3, 0.95], 0.95, 2), ([0.79, 0.2, 0.8], 0.8, 3), ([0.3, 0.5, 0.4], 0.5, 3)],
)
def test_cores_are_busy_if_they_are_so_for_a_while(monkeypatch, shares, share, looks):
    seen = iter(shares)
    monkeypatch.setattr(cores, "free_share", lambda total: next(seen))
    monkeypatch.setattr(cores, "PAUSE", 0)
    assert cores.lasting_share(2) == share
    assert list(seen) == shares[looks:]


TELL = """
import json, os, sys
from ganzoo import cores
if "torch" in sys.argv:
    import torch
seen = cores.settle()
set_now = {name: os.environ[name] for name in cores.VARIABLES if name in os.environ}
print(json.dumps([None if seen is None else dict(seen.environment), set_now]))
"""


def settled(*arguments, **environ):
    kept = {name: value for name, value in os.environ.items() if name not in cores.VARIABLES}
    command = [sys.executable, "-c", TELL, *arguments]
    done = subprocess.run(command, env=kept | environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_what_is_chosen_is_set():
    chosen, set_now = settled()
    assert chosen == set_now
    assert chosen


@pytest.mark.parametrize("variable", cores.VARIABLES)
def test_whoever_sets_a_variable_has_chosen(variable):
    assert settled(**{variable: "1"}) == [None, {variable: "1"}]


def test_it_is_too_late_once_torch_is_there():
    assert settled("torch") == [None, {}]


def test_the_manifest_says_what_was_chosen(tmp_path):
    environ = {name: value for name, value in os.environ.items() if name not in cores.VARIABLES}
    command = [sys.executable, "-m", "ganzoo", "run", "--steps", "1", "--batch-size", "4", "--out", str(tmp_path)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    (manifest,) = tmp_path.glob("*/manifest.json")
    seen = json.loads(manifest.read_text(encoding="utf-8"))["cores"]
    assert seen["total"] == cores.cores()
    assert seen["environment"] == dict(cores.choice(seen["total"], seen["free"]).environment)
    assert ("other programs use the processor" in done.stderr) == (seen["free"] < cores.BUSY * seen["total"])


class TestDivided:
    @pytest.fixture(autouse=True)
    def four_cores(self, monkeypatch):
        monkeypatch.setattr(cores, "cores", lambda: 4)
        monkeypatch.setattr(cores, "_chosen", None)
        for name in cores.VARIABLES:
            monkeypatch.delenv(name, raising=False)

    def test_threads_are_shared_and_do_not_spin_beside_each_other(self):
        assert cores.divided(2) == (2, PASSIVE | {"OMP_NUM_THREADS": "2"})
        assert cores.divided(9) == (1, PASSIVE | {"OMP_NUM_THREADS": "1"})
        assert cores.divided(1) == (4, BOUNDED | {"OMP_NUM_THREADS": "4"})

    def test_a_user_has_chosen(self, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert cores.divided(2) == (1, {})
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert cores.divided(2) == (2, {})

    def test_what_was_settled_for_this_process_is_no_choice_of_a_user(self, monkeypatch):
        settled = cores.choice(4, 1.0)
        monkeypatch.setattr(cores, "_chosen", settled)
        for name, value in settled.environment.items():
            monkeypatch.setenv(name, value)
        assert cores.divided(1) == (4, PASSIVE | {"OMP_NUM_THREADS": "4"}), "the cores are as busy for a single process"
        assert cores.divided(2) == (2, PASSIVE | {"OMP_NUM_THREADS": "2"})
