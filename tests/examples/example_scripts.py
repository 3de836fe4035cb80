"""Runs an example as its README says, and loads one to look at its parts."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from warm_python import warm_python

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name, *arguments, cwd):
    """The script in a process of its own, with every warning an error."""
    return subprocess.run(
        [warm_python(), "-W", "error", str(EXAMPLES / name), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def load(name):
    path = EXAMPLES / name
    spec = spec_from_file_location(f"example_{path.stem}", path)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
