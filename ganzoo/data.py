"""Batch ``i`` is a function of the seed and ``i``: no iterator, no worker, nothing to save in a checkpoint."""

from __future__ import annotations

from math import prod
from typing import Literal

import torch
from torch import Tensor

from ganzoo.cache import cache_folder as cache_folder
from ganzoo.errors import ConfigError, DataError
from ganzoo.files import whole_file as whole_file
from ganzoo.memory import memory as memory
from ganzoo.orders import BLOCK, Balanced, InBlocks, Order, Shuffled
from ganzoo.protocols import Batch, Dataset
from ganzoo.seeds import generator_for

EVERY = slice(None)
"""All rows of a batch."""


def as_floats(data: Tensor) -> Tensor:
    """Pixels, uint8, as float32 in [-1, 1] on their device, by the same division on all; other data as they are."""
    if data.dtype != torch.uint8:
        return data
    # By a number of Python, CUDA multiplies with the reciprocal, which is rounded; by a tensor it divides.
    half = torch.full((), 127.5, device=data.device)
    return data.to(torch.float32).div_(half).sub_(1)


class Batches:
    """The endless order of the data, cut into batches.

    The order is a function of the seed alone; a batch may reach from one epoch into the next, and the data may be
    fewer than a batch. ``shuffle`` is one permutation of all items after another. ``balanced`` is one round after
    another: a round has every class that occurs exactly once, in an order of its own, so that every class is equally
    likely at every place; within a class, one permutation of its items follows another. Real labels are then uniform
    over the classes that occur, whatever ``spec.marginal`` says of the data, and labels of fakes must be drawn so too.

    ``blocks`` is one permutation after another, too, in which neighbors are read together, in blocks of 64 KiB: items
    are shuffled within windows of 128 MiB, each with one of every so many neighboring blocks. A set that is larger than
    the memory then comes from its disk several times as fast. A dataset with a method ``expect`` is told with each
    batch what to read in the meantime. Items of more than half a block are shuffled as ever.

    Args:
        dataset: what is read.
        batch_size: items per batch, at least 1.
        seed: of order and mirroring.
        sampling: ``shuffle``, ``blocks``, or ``balanced`` for labelled data.
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
        sampling: Literal["shuffle", "blocks", "balanced"] = "shuffle",
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
        self._expect = getattr(dataset, "expect", None)

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
        places = number * self._batch_size, (number + 1) * self._batch_size
        if self._expect is not None and isinstance(self._order, InBlocks):
            self._expect(self._order.ahead(*places))
        index = self._order(*places)[rows]
        data = self._dataset.read(index)
        if self._hflip:
            mirrored = torch.rand(self._batch_size, generator=generator_for(self._seed, number, "hflip"))[rows] < 0.5
            data = torch.where(mirrored[:, None, None, None], data.flip(-1), data)
        labels = None if self._dataset.labels is None else self._dataset.labels[index]
        return Batch(data, labels, index)


def _order(dataset: Dataset, sampling: str, seed: int) -> Order:
    if sampling == "shuffle":
        return Shuffled(len(dataset), seed)
    if sampling == "blocks":
        shape = dataset.spec.shape
        item_bytes = prod(shape) * (1 if len(shape) == 3 else 4)
        return InBlocks(len(dataset), seed, item_bytes) if 2 * item_bytes <= BLOCK else Shuffled(len(dataset), seed)
    if sampling != "balanced":
        raise ConfigError("unknown data.sampling", given=sampling, allowed="shuffle, blocks, balanced")
    if dataset.labels is None:
        raise ConfigError(
            "data.sampling=balanced draws every class equally often, but these data have no labels",
            given=sampling,
            allowed="shuffle, blocks, or data with at least two classes",
            hint="--set data.sampling=shuffle",
        )
    return Balanced(dataset.labels, seed)
