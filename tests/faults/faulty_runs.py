"""Compiles the shim, and asks the server of :mod:`fault_server` for cases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TINY: dict[str, Any] = {
    "data": {"name": "ring", "n": 64},
    "loss": "hinge",
    "discriminator": {"name": "mlp", "width": 4},
    "generator": {"name": "mlp", "width": 4, "latent": 2},
    "train": {"batch_size": 4, "log_every": 1, "sample_every": 1, "checkpoint_every": 1, "keep": "last 1"},
    "runtime": {"device": "cpu", "threads": 1},
}
"""A run of few operations on files: a row, a grid and a checkpoint at each step, of which the older is removed."""


def compiler() -> str | None:
    """What compiles the shim; ``None`` where there is none, or no such way to load it."""
    return (shutil.which("cc") or shutil.which("gcc")) if sys.platform == "linux" else None


def shim(folder: Path) -> Path:
    """The compiled shim."""
    built = folder / "shim.so"
    subprocess.run([compiler() or "cc", "-shared", "-fPIC", "-O1", "-o", built, HERE / "shim.c", "-ldl"], check=True)
    return built


def outcomes(
    folder: Path,
    library: Path,
    *,
    work: str,
    settings: dict[str, Any],
    cases: Sequence[tuple[str, int, int]],
    done: Iterable[tuple[str, str, int]] = (),
) -> Iterator[dict[str, Any]]:
    """A row with the kinds of operations of each phase, then one for each case.

    Args:
        folder: an empty one.
        library: the shim.
        work: the name of a module of :mod:`works`.
        settings: its arguments.
        cases: mode, how many operations are left out at the start, and every how many-th of the others is met.
        done: phase, mode and number of cases that are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job = folder / "job.json"
    asked = {"folder": str(folder), "work": work, "settings": settings, "cases": list(cases), "done": list(done)}
    job.write_text(json.dumps(asked), encoding="utf-8")
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, HERE / "fault_server.py", job]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield from map(json.loads, server.stdout)
    assert server.returncode == 0
