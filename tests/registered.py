"""The first-party components, built small, for the tests that every one of them must pass."""

from __future__ import annotations

import pytest
import torch

from ganzoo.component import FILES
from ganzoo.protocols import DataSpec
from ganzoo.registry import Registry

REGISTRY = Registry.load(plugins=False)
ENTRIES = [entry for entry in REGISTRY.entries() if entry.kind not in FILES]
KINDS = tuple(dict.fromkeys(entry.kind for entry in REGISTRY.entries()))
SCIENTIFIC = ("loss", "regularizer", "discriminator", "generator", "augmentation")
NARROW = {"ndf": 2, "ngf": 2, "latent": 3, "width": 8}
CLASSES = ("a", "b", "c")
IMAGE_SPECS = [
    DataSpec(shape=(channels, side, side), classes=CLASSES, marginal=(0.2, 0.3, 0.5), conditional=True)
    for channels, side in [(1, 8), (3, 32), (1, 64)]
]


def called(entry):
    """``loss-hinge``: what a component is called in the ids of tests, so that ``-k loss-hinge`` selects them."""
    return f"{entry.kind}-{entry.name}"


def entries_of(*kinds):
    """One test for each first-party component of these kinds."""
    chosen = [entry for entry in REGISTRY.entries() if entry.kind in kinds]
    assert chosen, f"nobody registered a {kinds}"
    return pytest.mark.parametrize("entry", chosen, ids=called)


def narrow(entry):
    """The component's default options, as narrow as its options allow."""
    options = entry.options()
    return options(**{name: value for name, value in NARROW.items() if name in options.model_fields})


def images_of(spec, n, *, seed=0):
    return torch.rand(n, *spec.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def build(entry, spec, *, seed=0):
    torch.manual_seed(seed)
    return narrow(entry).build(spec)
