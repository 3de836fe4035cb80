"""``torch.compile`` makes one graph of every critic, with the same logits."""

from __future__ import annotations

import pytest
import torch
from registered import entries_of

from ganzoo.protocols import DataSpec

SIGNAL = DataSpec(shape=(1, 512))
PICTURES = DataSpec(shape=(3, 32, 32), classes=("a", "b"), marginal=(0.5, 0.5), conditional=True)
NARROW = {
    "period": {"ndf": 2, "periods": (2, 3)},
    "scale": {"ndf": 8, "n_scales": 2},
    "stft": {"ndf": 2, "resolutions": ((64, 16, 64),)},
    "stft-complex": {"ndf": 2, "n_ffts": (64, 32)},
    "stft-bands": {"ndf": 2, "n_ffts": (64,)},
}
"""Critics of signals, and what makes them small."""
OVER_A_NETWORK = ("frozen-features", "projected")
"""What they look through is anybody's, and need not compile."""


@entries_of("discriminator")
def test_one_graph_and_the_same_logits(entry):
    if entry.name in OVER_A_NETWORK:
        pytest.skip("looks through a network of anybody's")
    if entry.name == "ensemble":
        pytest.skip("holds critics that are compiled here by themselves")
    options = entry.options()
    spec = SIGNAL if entry.name in NARROW else PICTURES
    narrow = NARROW.get(entry.name, {"ndf": 4} if "ndf" in options.model_fields else {})
    critic = options(**narrow).build(spec).eval()
    data = torch.randn(2, *spec.shape, generator=torch.Generator().manual_seed(0))
    labels = None if spec is SIGNAL else torch.tensor([0, 1])
    torch.compiler.reset()
    found = torch.compile(critic, fullgraph=True, backend="eager")(data, labels)
    for one, other in zip(found.maps(), critic(data, labels).maps(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    torch.compiler.reset()
