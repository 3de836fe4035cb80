"""What tests of metrics share: features as metrics get them, and what does not matter to a metric."""

from __future__ import annotations

from dataclasses import replace

import torch

from ganzoo.protocols import Features


def normal(n, width, *, seed, mean=0.0, std=1.0):
    """(n, width) float64 numbers."""
    random = torch.Generator().manual_seed(seed)
    return mean + std * torch.randn(n, width, generator=random, dtype=torch.float64)


def measure(metric, real, fake, *, seed=0, **options):
    """The numbers of a metric of two matrices of features."""
    sides = {"real": Features(features=real), "fake": Features(features=fake)}
    return metric(**options)(**sides, random=torch.Generator().manual_seed(seed))


def shuffled(features, *, seed=0):
    """The same rows in another order, of every field that there is."""
    some = next(one for one in (features.features, features.class_probs, features.images) if one is not None)
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(seed))
    fields = ("images", "labels", "features", "class_probs")
    return replace(
        features, **{name: getattr(features, name)[order] for name in fields if getattr(features, name) is not None}
    )


def with_threads(count, function):
    """What a function returns where torch has so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return function()
    finally:
        torch.set_num_threads(before)
