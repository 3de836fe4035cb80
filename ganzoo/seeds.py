"""Step-keyed randomness: every draw comes from (seed, what it is for, when), never from what was drawn before.

So a checkpoint needs no generator state, and looking at a run cannot change it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch


def derive(seed: int, *key: int | str) -> int:
    """A 63-bit seed that depends on ``seed`` and every part of ``key``, the same on every machine."""
    text = json.dumps([seed, *key])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator_for(seed: int, *key: int | str) -> torch.Generator:
    """A CPU generator seeded by :func:`derive`; draws are made on the CPU so that no device changes them."""
    return torch.Generator().manual_seed(derive(seed, *key))


@contextmanager
def seeded(seed: int, *key: int | str, devices: Sequence[torch.device] = ()) -> Iterator[None]:
    """Seed torch's global generators inside the block, since dropout takes no generator, and restore them after."""
    cuda = [_index(device) for device in devices if device.type == "cuda"]
    value = derive(seed, *key)
    with torch.random.fork_rng(devices=cuda):
        # Not torch.manual_seed: it would reseed every device, and only those named here are restored.
        torch.default_generator.manual_seed(value)
        for index in cuda:
            torch.cuda.default_generators[index].manual_seed(value)
        yield


def _index(device: torch.device) -> int:
    return torch.cuda.current_device() if device.index is None else device.index
