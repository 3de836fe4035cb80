"""Endless orders of the data: what stands at any place of them is a function of the seed and the place."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from ganzoo.seeds import generator_for

_DRAWS = 1024
"""About so many class draws of :class:`Balanced` are made at once, since a generator costs more than a draw."""

BLOCK = 2**16
"""Bytes of neighbors that :class:`InBlocks` reads together: a disk is several times as fast as with single items."""
WINDOW = 2**27
"""About so many bytes are shuffled at a time. Two windows are in memory."""


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


class InBlocks:
    """Blocks of neighbors, one window of them after another, and the items of a window shuffled.

    From a disk this comes several times as fast as a shuffle of small items. An epoch has every item once, and as many
    windows as it takes for each to have about 128 MiB. Of every so many neighboring blocks a window has one at random:
    so what is stored together, such as a class or a patient, is in all windows alike, up to a block or two.

    Args:
        size: how many items there are.
        seed: of the order.
        item_bytes: of each item as it is stored, on which the order depends too.
    """

    def __init__(self, size: int, seed: int, item_bytes: int) -> None:
        self._size, self._seed = size, seed
        self._block = max(1, BLOCK // item_bytes)
        self._blocks = -(-size // self._block)
        self._windows = -(-self._blocks * self._block * item_bytes // WINDOW)
        self._asked = -1, -1
        self._drawn = lru_cache(maxsize=2)(self._draw)  # two, since a batch may reach into the next
        self._items = lru_cache(maxsize=2)(self._shuffled)
        self._sorted = lru_cache(maxsize=3)(lambda epoch, window: self._items_of(epoch, window).sort().values)

    def __call__(self, start: int, stop: int) -> Tensor:
        """The items at the places ``start`` to ``stop``."""
        parts = []
        while start < stop:
            epoch, window, begin, end = self._window_at(start)
            parts.append(self._items(epoch, window)[start - begin : stop - begin])
            start = end
        return torch.cat(parts)

    def ahead(self, start: int, stop: int) -> Tensor:
        """What to have read into memory while the places ``start`` to ``stop`` are used, in the order it is stored in.

        It is as large a share of the next window as these places are of theirs. Whoever did not ask for the places
        before them gets their own window too, and what the places in it before them would have got.
        """
        first, last = self._asked
        self._asked = start, stop
        parts = []
        if not first <= start <= last:
            epoch, window, start, _ = self._window_at(start)
            parts.append(self._sorted(epoch, window))
        while start < stop:
            _, _, begin, end = self._window_at(start)
            following = self._sorted(*self._window_at(end)[:2])
            share = [(place - begin) * len(following) // (end - begin) for place in (start, min(stop, end))]
            parts.append(following[slice(*share)])
            start = end
        return torch.cat(parts)

    def _window_at(self, place: int) -> tuple[int, int, int, int]:
        """The epoch, the number of the window in it, and the places where it begins and ends."""
        epoch, offset = divmod(place, self._size)
        ends = self._drawn(epoch)[1]
        window = bisect_right(ends, offset)
        before = epoch * self._size
        return epoch, window, before + (ends[window - 1] if window else 0), before + ends[window]

    def _draw(self, epoch: int) -> tuple[Tensor, list[int]]:
        """The blocks of each window, (rows, windows), some of which may not exist, and where each ends in the epoch."""
        rows = -(-self._blocks // self._windows)
        draws = torch.rand(
            rows, self._windows, dtype=torch.float64, generator=generator_for(self._seed, epoch, "order/blocks")
        )
        blocks = draws.argsort(dim=1, stable=True) + torch.arange(rows)[:, None] * self._windows
        items = (self._size - blocks * self._block).clamp(0, self._block)
        return blocks, items.sum(0).cumsum(0).tolist()

    def _items_of(self, epoch: int, window: int) -> Tensor:
        items = self._drawn(epoch)[0][:, window, None] * self._block + torch.arange(self._block)
        return items[items < self._size]

    def _shuffled(self, epoch: int, window: int) -> Tensor:
        items = self._items_of(epoch, window)
        return items[torch.randperm(len(items), generator=generator_for(self._seed, epoch, "order/window", window))]


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
