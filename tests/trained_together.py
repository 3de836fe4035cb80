"""What a run of a comparison is by torchrun, and the processes that train it: what tests of both engines look at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml
from comparing import assert_same_outcome

from ganzoo.studies.comparison import Comparison


def by_torchrun(comparison: Comparison, folder: Path, *, threads: int = 1) -> Path:
    """The run of the first cell and seed, trained by as many processes that torchrun starts."""
    config = {**comparison.cells[0].config, "seed": 0}
    config["runtime"] = {**config["runtime"], "threads": threads}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(comparison.processes)]
    words += ["-m", "ganzoo", "run", "--config", str(folder / "config.yaml"), "--out", str(folder / "runs"), "--quiet"]
    ended = subprocess.run([sys.executable, *words], check=False, timeout=300, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    (found,) = (folder / "runs").glob("0001-*")
    return found


def assert_equals_torchrun(comparison: Comparison, run: Path) -> None:
    """The run of the first cell and seed is that one, bit by bit."""
    (found,) = comparison.place(comparison.cells[0], 0).glob("0*")
    assert_same_outcome(found, run)


def processes_of(folder: Path, number: int) -> list[int]:
    """Ids of the workers of comparisons below a folder that have this number in their group. Linux."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words, told = ((place / name).read_bytes().split(b"\0") for name in ("cmdline", "environ"))
        except OSError:  # it has ended, or is another user's
            continue
        ours = b"ganzoo.studies.worker" in words and any(word.startswith(os.fsencode(folder)) for word in words)
        if ours and f"RANK={number}".encode() in told:
            found.append(int(place.name))
    return found


def kill(processes: list[int]) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)
