"""Two processes that train critics on halves of a batch do what one does on the whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

PROCESS = Path(__file__).with_name("adversary_process.py")


def trained(folder, processes, passes):
    store, out = folder / f"store-{processes}", folder / f"out-{processes}.pt"
    running = [
        subprocess.Popen([sys.executable, PROCESS, str(rank), str(processes), store, out, passes])
        for rank in range(processes)
    ]
    assert [process.wait(timeout=120) for process in running] == [0] * processes
    return torch.load(out, weights_only=True)


@pytest.mark.parametrize("passes", ["one", "two"])
def test_two_processes_equal_one(tmp_path, passes):
    """With a penalty, and with two forward passes before the backward one, where wrappers have failed."""
    one, two = (trained(tmp_path, count, passes) for count in (1, 2))
    torch.testing.assert_close(one["pushed"], two["pushed"], rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(one["weights"], two["weights"], rtol=1e-10, atol=1e-12)
