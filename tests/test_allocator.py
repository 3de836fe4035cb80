"""Memory that a step frees stays with the process."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ganzoo import allocator
from ganzoo.cli import app

TELL = """
import ctypes, json, resource, sys
from ganzoo import allocator

answer = allocator.keep_freed_memory() if "kept" in sys.argv else None
size, number, touched = map(int, sys.argv[1:4])
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]

def step():
    blocks = [libc.malloc(size) for _ in range(number)]
    for block in blocks:
        libc.memset(block, 1, touched)
    for block in blocks:
        libc.free(block)

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(json.dumps([answer, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before]))
"""
gnu = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")


def told(*arguments, size=2**20, number=16, touched=2**20, **environ):
    command = [sys.executable, "-c", TELL, *map(str, (size, number, touched)), *arguments]
    env = {"PATH": "", "PYTHONPATH": ":".join(sys.path), **environ}
    return json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)


@gnu
def test_steps_ask_for_memory_once():
    """Of 20 steps of 16 MiB, 4,096 pages each; every page that comes from the system is a fault."""
    _, usual = told()
    answer, kept = told("kept")
    assert answer is True
    assert usual > 20 * 1000
    assert kept < 20 * 10


@gnu
def test_also_more_than_two_gibibytes():
    """Blocks of 16 MiB, of which a page each is touched."""
    large = {"size": 2**24, "number": 192, "touched": 4096}
    assert told(**large)[1] >= 20 * 150
    assert told("kept", **large)[1] < 20 * 10


@pytest.mark.parametrize("variable", allocator.VARIABLES)
def test_whoever_sets_a_variable_has_chosen(variable):
    assert allocator.keep_freed_memory({variable: "1"}) is False


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert allocator.keep_freed_memory({}) is False


def test_a_command_that_computes_keeps_it(monkeypatch):
    asked = []
    monkeypatch.setattr(allocator, "keep_freed_memory", lambda: asked.append(1))
    CliRunner().invoke(app, ["run", "--loss", "no-such-loss"])
    assert asked == [1]
