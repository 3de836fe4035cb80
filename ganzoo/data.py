"""Batch ``i`` is a function of the seed and ``i``: no iterator, no worker, nothing to save in a checkpoint."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

import platformdirs
import torch
from torch import Tensor

from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import Batch, Dataset
from ganzoo.seeds import generator_for


class Batches:
    """The endless order of the data, cut into batches.

    The order is one permutation after another, each a function of (seed, epoch); a batch may reach from one into the
    next, and the data may be fewer than a batch.

    Args:
        dataset: what is read.
        batch_size: items per batch, at least 1.
        seed: of order and mirroring.
        sampling: only ``shuffle`` so far.
        hflip: mirror each image left to right with probability ½, a function of (seed, batch number).

    Raises:
        DataError: the dataset is empty.
        ConfigError: no such sampling, a batch without items, or vectors to be mirrored.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        batch_size: int,
        seed: int,
        sampling: Literal["shuffle"] = "shuffle",
        hflip: bool = False,
    ) -> None:
        if len(dataset) == 0:
            raise DataError("the dataset is empty", hint="give --data a folder with at least one image")
        if batch_size < 1:
            raise ConfigError("train.batch_size is too small", given=batch_size, allowed="at least 1")
        if sampling != "shuffle":
            raise ConfigError("data.sampling is not known", given=sampling, allowed="shuffle")
        if hflip and len(dataset.spec.shape) != 3:
            raise ConfigError("data.hflip mirrors images, and these data are vectors", hint="--set data.hflip=false")
        self._dataset, self._batch_size, self._seed, self._hflip = dataset, batch_size, seed, hflip
        # Two, since a batch may reach from one epoch into the next.
        self._order = lru_cache(maxsize=2)(self._permutation)

    def batch(self, number: int) -> Batch:
        """Batch ``number``: float32 on the CPU, images in [-1, 1], vectors as they are; labels int64."""
        index = self._index(number)
        data = self._dataset.read(index)
        if data.dtype == torch.uint8:
            data = data.to(torch.float32).div_(127.5).sub_(1)
        if self._hflip:
            mirrored = torch.rand(len(data), generator=generator_for(self._seed, number, "hflip")) < 0.5
            data = torch.where(mirrored[:, None, None, None], data.flip(-1), data)
        labels = None if self._dataset.labels is None else self._dataset.labels[index]
        return Batch(data, labels, index)

    def _index(self, number: int) -> Tensor:
        size = len(self._dataset)
        start, stop = number * self._batch_size, (number + 1) * self._batch_size
        parts = []
        while start < stop:
            epoch, offset = divmod(start, size)
            part = self._order(epoch)[offset : offset + stop - start]
            parts.append(part)
            start += len(part)
        return torch.cat(parts)

    def _permutation(self, epoch: int) -> Tensor:
        return torch.randperm(len(self._dataset), generator=generator_for(self._seed, epoch, "order"))


def cache_folder() -> Path:
    """Where decoded pictures are kept: ``GANZOO_CACHE``, or else the user's cache folder."""
    chosen = os.environ.get("GANZOO_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("ganzoo")
