"""Endless orders of the data: what stands at any place of them is a function of the seed and the place."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from ganzoo.seeds import generator_for

_DRAWS = 1024
"""About so many class draws of :class:`Balanced` are made at once, since a generator costs more than a draw."""

BLOCK = 2**19
"""Bytes of neighbors that :class:`InBlocks` reads together: a disk gives such blocks as fast as all in order."""
WINDOW = 256
"""So many blocks are mixed at a time. Two windows are in memory: 256 MiB."""


class Order(Protocol):
    """An endless order of items."""

    def __call__(self, start: int, stop: int) -> Tensor:
        """The items at the places ``start`` to ``stop``."""
        ...


class Shuffled:
    """One permutation after another, each a function of (seed, epoch)."""

    def __init__(self, size: int, seed: int) -> None:
        self._size, self._seed = size, seed
        # Two, since a batch may reach from one epoch into the next.
        self._epoch = lru_cache(maxsize=2)(self._permutation)

    def __call__(self, start: int, stop: int) -> Tensor:
        """The items at the places ``start`` to ``stop``."""
        parts = []
        while start < stop:
            epoch, offset = divmod(start, self._size)
            part = self._epoch(epoch)[offset : offset + stop - start]
            parts.append(part)
            start += len(part)
        return torch.cat(parts)

    def _permutation(self, epoch: int) -> Tensor:
        return torch.randperm(self._size, generator=generator_for(self._seed, epoch, "order"))


class InBlocks(Shuffled):
    """Blocks of neighbors in random order, and items shuffled within windows of 256 blocks of ½ MiB.

    A disk can read this as fast as all in order. Every epoch has every item once; the items of a block come within a
    window or two of each other. A set of at most one window is shuffled as a whole.

    Args:
        size: how many items there are.
        seed: of the order.
        item_bytes: of each item as it is stored.
    """

    def __init__(self, size: int, seed: int, item_bytes: int) -> None:
        super().__init__(size, seed)
        self._block = max(1, BLOCK // item_bytes)
        self._window = WINDOW * self._block
        self._sorted = lru_cache(maxsize=3)(self._window_as_stored)
        self._asked = -1, -1

    def _permutation(self, epoch: int) -> Tensor:
        random = generator_for(self._seed, epoch, "order/blocks")
        blocks = torch.randperm(-(-self._size // self._block), generator=random)
        items = (blocks[:, None] * self._block + torch.arange(self._block)).flatten()
        items = items[items < self._size]
        windows = [items[start : start + self._window] for start in range(0, self._size, self._window)]
        return torch.cat([window[torch.randperm(len(window), generator=random)] for window in windows])

    def ahead(self, start: int, stop: int) -> Tensor:
        """What to have read into memory while the places ``start`` to ``stop`` are used, in the order it is stored in.

        It is as large a share of the next window as these places are of theirs. Whoever did not ask for the places
        before them gets their own window too, and what the places in it before them would have got.
        """
        first, last = self._asked
        self._asked = start, stop
        parts = []
        if not first <= start <= last:
            parts.append(self._sorted(*self._window_at(start)))
            start = self._begin(*self._window_at(start))
        while start < stop:
            epoch, window = self._window_at(start)
            begin = self._begin(epoch, window)
            end = min(begin + self._window, (epoch + 1) * self._size)
            following = self._sorted(*self._window_at(end))
            share = [(place - begin) * len(following) // (end - begin) for place in (start, min(stop, end))]
            parts.append(following[slice(*share)])
            start = end
        return torch.cat(parts)

    def _begin(self, epoch: int, window: int) -> int:
        return epoch * self._size + window * self._window

    def _window_at(self, place: int) -> tuple[int, int]:
        """The epoch, and the number of the window in it."""
        epoch, offset = divmod(place, self._size)
        return epoch, offset // self._window

    def _window_as_stored(self, epoch: int, window: int) -> Tensor:
        return self._epoch(epoch)[window * self._window :][: self._window].sort().values


class Balanced:
    """Rounds of one item from every class; item r of a class is that of its round r, so nothing needs counting."""

    def __init__(self, labels: Tensor, seed: int) -> None:
        self._seed = seed
        present = torch.bincount(labels).nonzero().flatten()
        self._members = [(labels == label).nonzero().flatten() for label in present]
        self._classes = len(present)
        self._rounds = max(1, _DRAWS // self._classes)
        self._block = lru_cache(maxsize=2)(self._class_order)
        self._epoch = lru_cache(maxsize=2 * self._classes)(self._permutation)

    def __call__(self, start: int, stop: int) -> Tensor:
        """The items at the places ``start`` to ``stop``."""
        places = torch.arange(start, stop)
        rounds = places.div(self._classes, rounding_mode="floor")
        classes = self._classes_at(start, stop)
        index = torch.empty_like(places)
        for position in sorted(set(classes.tolist())):
            chosen = classes == position
            index[chosen] = self._items(position, rounds[chosen])
        return index

    def _classes_at(self, start: int, stop: int) -> Tensor:
        size, parts = self._rounds * self._classes, []
        while start < stop:
            block, offset = divmod(start, size)
            part = self._block(block)[offset : offset + stop - start]
            parts.append(part)
            start += len(part)
        return torch.cat(parts)

    def _items(self, position: int, rounds: Tensor) -> Tensor:
        members = self._members[position]
        epochs = rounds.div(len(members), rounding_mode="floor")
        items = torch.empty_like(rounds)
        for epoch in sorted(set(epochs.tolist())):
            chosen = epochs == epoch
            items[chosen] = self._epoch(position, epoch)[rounds[chosen] - epoch * len(members)]
        chosen_members: Tensor = members[items]
        return chosen_members

    def _class_order(self, block: int) -> Tensor:
        """A permutation of the classes for each round of a block, one after another."""
        generator = generator_for(self._seed, block, "balanced/classes")
        draws = torch.rand(self._rounds, self._classes, dtype=torch.float64, generator=generator)
        return draws.argsort(dim=1, stable=True).flatten()

    def _permutation(self, position: int, epoch: int) -> Tensor:
        generator = generator_for(self._seed, epoch, "balanced/items", position)
        return torch.randperm(len(self._members[position]), generator=generator)
