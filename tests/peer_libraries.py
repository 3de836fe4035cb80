"""The libraries that ``ganzoo bench`` compares with: those that are installed, and stand-ins for the others."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganzoo.benchmarking.names import PEERS

STAND_INS = Path(__file__).parent / "stand_ins"
EXAMPLE = STAND_INS / "generative_adversarial_net.py"
LINES = {name: f"--against {name}" + f" --example {EXAMPLE}" * bool(library.example) for name, library in PEERS.items()}
"""How each is asked for."""


@contextmanager
def importable() -> Iterator[None]:
    """In this process; what is installed comes first."""
    sys.path.append(str(STAND_INS))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(STAND_INS))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "")).startswith(str(STAND_INS)):
                del sys.modules[name]
