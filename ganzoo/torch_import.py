"""Import torch in less time."""

from __future__ import annotations

import gc
import sys
from importlib import import_module


def load_torch() -> None:
    """Import torch without looking for garbage, of which an import leaves none: that is a seventh of its time.

    What it made stays for good, so the collector need not look at it later either. Where torch is there, nothing
    happens: what has become garbage since would stay as well.
    """
    if "torch" in sys.modules:
        return
    collecting = gc.isenabled()
    gc.disable()
    try:
        import_module("torch")
        gc.freeze()
    finally:
        if collecting:
            gc.enable()
