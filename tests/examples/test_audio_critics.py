"""Critics of signals tell held-out tones from poorly vocoded ones."""

from __future__ import annotations

from itertools import islice

import pytest
from example_scripts import load

THIRDS = {"period": 1, "scale": 1, "stft": 2, "stft-complex": 1, "stft-bands": 3, "ensemble": 2}


@pytest.mark.parametrize("name", THIRDS)
def test_it_tells_real_from_fake(name):
    """After 20 updates, or 40, or 60, by name."""
    *_, (_, accuracy) = islice(load("audio_critics.py").train(name, 60), THIRDS[name])
    assert accuracy >= 0.95
