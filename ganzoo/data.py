"""Batch ``i`` is a function of the seed and ``i``: no iterator, no worker, nothing to save in a checkpoint."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, Protocol

import torch
from torch import Tensor

from ganzoo.cache import cache_folder as cache_folder
from ganzoo.errors import ConfigError, DataError
from ganzoo.files import whole_file as whole_file
from ganzoo.protocols import Batch, Dataset
from ganzoo.seeds import generator_for

_BLOCK = 1024
"""About so many class draws of :class:`_Balanced` are made at once, since a generator costs more than a draw."""

EVERY = slice(None)
"""All rows of a batch."""


def as_floats(data: Tensor) -> Tensor:
    """Pixels, uint8, as float32 in [-1, 1] on their device, by the same division on all; other data as they are."""
    if data.dtype != torch.uint8:
        return data
    # By a number of Python, CUDA multiplies with the reciprocal, which is rounded; by a tensor it divides.
    half = torch.full((), 127.5, device=data.device)
    return data.to(torch.float32).div_(half).sub_(1)


class _Order(Protocol):
    def __call__(self, start: int, stop: int) -> Tensor:
        """The items at the places ``start`` to ``stop`` of the endless order."""
        ...


class Batches:
    """The endless order of the data, cut into batches.

    The order is a function of the seed alone; a batch may reach from one epoch into the next, and the data may be
    fewer than a batch. ``shuffle`` is one permutation of all items after another. ``balanced`` is one round after
    another: a round has every class that occurs exactly once, in an order of its own, so that every class is equally
    likely at every place; within a class, one permutation of its items follows another. Real labels are then uniform
    over the classes that occur, whatever ``spec.marginal`` says of the data, and labels of fakes must be drawn so too.

    Args:
        dataset: what is read.
        batch_size: items per batch, at least 1.
        seed: of order and mirroring.
        sampling: ``shuffle``, or ``balanced`` for labelled data.
        hflip: mirror each image left to right with probability ½, a function of (seed, batch number).

    Raises:
        DataError: the dataset is empty.
        ConfigError: no such sampling, classes to be balanced where there are no labels, a batch without items, or
            vectors to be mirrored.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        batch_size: int,
        seed: int,
        sampling: Literal["shuffle", "balanced"] = "shuffle",
        hflip: bool = False,
    ) -> None:
        if len(dataset) == 0:
            raise DataError("the dataset is empty", hint="use --data FOLDER with at least one image")
        if batch_size < 1:
            raise ConfigError("train.batch_size is too small", given=batch_size, allowed="at least 1")
        if hflip and len(dataset.spec.shape) != 3:
            raise ConfigError("data.hflip mirrors images, but these data are vectors", hint="--set data.hflip=false")
        self._dataset, self._batch_size, self._seed, self._hflip = dataset, batch_size, seed, hflip
        self._order = _order(dataset, sampling, seed)

    def batch(self, number: int, rows: slice | Tensor = EVERY) -> Batch:
        """Batch ``number``: float32 on the CPU, images in [-1, 1], vectors as they are; labels int64.

        With ``rows``, a slice or places (n,), those items of the batch alone, as they are in it; no other is read.
        """
        stored = self.stored(number, rows)
        return stored._replace(data=as_floats(stored.data))

    def stored(self, number: int, rows: slice | Tensor = EVERY) -> Batch:
        """The same batch with pixels as the dataset keeps them, uint8: a quarter of the bytes on the way to a device.

        There, :func:`as_floats` makes of them what :meth:`batch` returns, to the bit.
        """
        index = self._order(number * self._batch_size, (number + 1) * self._batch_size)[rows]
        data = self._dataset.read(index)
        if self._hflip:
            mirrored = torch.rand(self._batch_size, generator=generator_for(self._seed, number, "hflip"))[rows] < 0.5
            data = torch.where(mirrored[:, None, None, None], data.flip(-1), data)
        labels = None if self._dataset.labels is None else self._dataset.labels[index]
        return Batch(data, labels, index)


def _order(dataset: Dataset, sampling: str, seed: int) -> _Order:
    if sampling == "shuffle":
        return _Shuffled(len(dataset), seed)
    if sampling != "balanced":
        raise ConfigError("unknown data.sampling", given=sampling, allowed="shuffle, balanced")
    if dataset.labels is None:
        raise ConfigError(
            "data.sampling=balanced draws every class equally often, but these data have no labels",
            given=sampling,
            allowed="shuffle, or data with at least two classes",
            hint="--set data.sampling=shuffle",
        )
    return _Balanced(dataset.labels, seed)


class _Shuffled:
    """One permutation after another, each a function of (seed, epoch)."""

    def __init__(self, size: int, seed: int) -> None:
        self._size, self._seed = size, seed
        # Two, since a batch may reach from one epoch into the next.
        self._epoch = lru_cache(maxsize=2)(self._permutation)

    def __call__(self, start: int, stop: int) -> Tensor:
        parts = []
        while start < stop:
            epoch, offset = divmod(start, self._size)
            part = self._epoch(epoch)[offset : offset + stop - start]
            parts.append(part)
            start += len(part)
        return torch.cat(parts)

    def _permutation(self, epoch: int) -> Tensor:
        return torch.randperm(self._size, generator=generator_for(self._seed, epoch, "order"))


class _Balanced:
    """Rounds of one item from every class; item r of a class is that of its round r, so nothing needs counting."""

    def __init__(self, labels: Tensor, seed: int) -> None:
        self._seed = seed
        present = torch.bincount(labels).nonzero().flatten()
        self._members = [(labels == label).nonzero().flatten() for label in present]
        self._classes = len(present)
        self._rounds = max(1, _BLOCK // self._classes)
        self._block = lru_cache(maxsize=2)(self._class_order)
        self._epoch = lru_cache(maxsize=2 * self._classes)(self._permutation)

    def __call__(self, start: int, stop: int) -> Tensor:
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
