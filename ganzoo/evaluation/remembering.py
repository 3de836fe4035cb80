"""Real pictures that several metrics look at, decoded once."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzoo.errors import ResourceError
from ganzoo.memory import in_units, memory
from ganzoo.protocols import Dataset

MOST_BYTES = 2**28
"""So much is kept: 80,000 pictures of 32×32 in color, or 1,300 of 256×256."""


class Remembered:
    """Items of datasets that were read once, up to so many bytes; more are read each time they are asked for."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._room = most
        self._kept: dict[tuple[str, int], Tensor] = {}

    def read(self, dataset: Dataset, index: Tensor) -> Tensor:
        """What ``dataset.read`` returns, which belongs to the caller."""
        keys = [(dataset.fingerprint, number) for number in index.tolist()]
        missing = [place for place, key in enumerate(keys) if key not in self._kept]
        if not missing:
            return torch.stack([self._kept[key] for key in keys])
        fresh = dataset.read(index[missing])
        self._keep([keys[place] for place in missing], fresh)
        if len(missing) == len(keys):
            return fresh
        places = dict(zip(missing, fresh, strict=True))
        return torch.stack([places[at] if at in places else self._kept[key] for at, key in enumerate(keys)])

    def _keep(self, keys: list[tuple[str, int]], fresh: Tensor) -> None:
        if fresh.nbytes <= self._room:
            self._room -= fresh.nbytes
            self._kept.update(zip(keys, fresh.clone(), strict=True))


def demand_room(dataset: Dataset, count: int) -> None:
    """Raises :class:`ResourceError` if so many items do not fit into free memory, twice: in parts and joined."""
    found = memory()
    size = 1 if len(dataset.spec.shape) > 1 else 4
    needed = 2 * count * size * math.prod(dataset.spec.shape)
    if found is None or found.free is None or needed <= found.free:
        return
    raise ResourceError(
        f"a metric needs the pixels of {count:,} real pictures at once, and they do not fit into memory",
        given=f"{in_units(needed)} for {count:,} pictures of {'×'.join(map(str, dataset.spec.shape))}",
        allowed=f"{in_units(found.free)}, which are free",
        hint="--metric kernel-distance, which keeps features alone",
    )
