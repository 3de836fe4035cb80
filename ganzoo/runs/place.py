"""The folder of runs, and how a command is told of another one."""

from __future__ import annotations

import shlex
from pathlib import Path

RUNS = Path("runs")
"""Where runs are, unless a command is told otherwise."""


def runs_flag(runs: Path) -> str:
    """``" --runs DIR"`` for a folder of runs; empty for ``runs/``, where commands look by default."""
    return "" if runs == RUNS else f" --runs {shlex.quote(str(runs))}"
