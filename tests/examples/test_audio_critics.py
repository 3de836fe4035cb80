"""Critics of signals tell held-out tones from poorly vocoded ones; the slow ones are in the table of the page alone."""

from __future__ import annotations

from itertools import islice

import pytest
from example_scripts import load


@pytest.mark.parametrize(("name", "thirds"), [("period", 1), ("scale", 1), ("stft", 2), ("stft-complex", 1)])
def test_it_tells_real_from_fake(name, thirds):
    """After 20 updates, `stft` after 40."""
    *_, (_, accuracy) = islice(load("audio_critics.py").train(name, 60), thirds)
    assert accuracy >= 0.95
