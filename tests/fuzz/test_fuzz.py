"""A slice of the fuzzing of parsers; ``python tests/fuzz/fuzz.py`` is the whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_what_strangers_write_is_accepted_or_refused_and_never_a_bug():
    command = [sys.executable, Path(__file__).parent / "fuzz.py", "--inputs", "150", "--light"]
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 kinds of bugs" in done.stdout
