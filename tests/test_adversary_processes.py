"""Two processes that train critics on halves of a batch do what one does on the whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from adversary_process import WAYS, trained

PROCESS = Path(__file__).with_name("adversary_process.py")


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    """All ways in the same two processes, since most of their time is the import of torch."""
    folder = tmp_path_factory.mktemp("processes")
    store, out = folder / "store", folder / "out.pt"
    running = [subprocess.Popen([sys.executable, PROCESS, str(rank), "2", store, out]) for rank in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    return torch.load(out, weights_only=True)


@pytest.mark.parametrize("way", WAYS)
def test_two_processes_equal_one(of_two, way):
    """With a penalty, and with two forward passes before the backward one, where wrappers have failed."""
    with torch.random.fork_rng():
        of_one = trained(0, 1, way)
    torch.testing.assert_close(of_one, of_two[way], rtol=1e-10, atol=1e-12)
