"""The random numbers of the whole process, which components leave alone."""

from __future__ import annotations

import contextlib
import pickle
import random
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from ganzoo.testing.check import demand

LIBRARIES = ("torch", "numpy", "random")


@contextlib.contextmanager
def random_numbers_untouched(who: str = "it", *, of: Iterable[str] = LIBRARIES) -> Iterator[None]:
    """Demand that the block draws none of the global random numbers, and seeds none of them.

    Args:
        who: what is blamed otherwise.
        of: the libraries that count.
    """
    # A state that no component seeds, for one that is seeded as it was would not be noticed.
    torch.manual_seed(8_271_828_182)
    before = _states()
    yield
    after = _states()
    drawn = [library for library in of if after[library] != before[library]]
    demand(not drawn, f"{who} draws from, or seeds, the global random numbers of {', '.join(drawn)}")


def _states() -> dict[str, bytes]:
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": pickle.dumps(np.random.get_state()),
        "random": pickle.dumps(random.getstate()),
    }
