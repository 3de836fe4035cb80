"""A library that trains networks of its own, as a contestant."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from torch import nn
from torch.utils.data import DataLoader

from ganzoo.benchmarking.contestant import Contestant
from ganzoo.benchmarking.names import Asked

RATE = 2e-4
"""That of both players in all three examples."""


class Peer(Contestant):
    """Its own networks, loop and optimizers, at the settings of its own example, on a CPU.

    Args:
        batches: real pictures in [-1, 1], with labels that nobody uses.
        folder: where it may write.
        asked: what was asked for.

    Attributes:
        values: the same settings in ganzoo's configuration. The discriminator that they name stands in for that of the
            library: it says whether samples are coupled.
        fewest: pictures in a batch that its networks can normalize.
        discriminator: its network, which gives a logit per picture.
        generator: its network, which takes normal latents.
        latent: how many numbers that takes.
    """

    values: ClassVar[Mapping[str, Any]]
    fewest: ClassVar[int] = 1
    discriminator: nn.Module
    generator: nn.Module
    latent: int

    @abstractmethod
    def __init__(self, batches: DataLoader[Any], folder: Path, asked: Asked) -> None: ...

    @contextmanager
    def active(self) -> Iterator[None]:
        """As torch has it; what the library does in an old way is no news here."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


def endless(batches: DataLoader[Any]) -> Iterator[Any]:
    """Epoch after epoch."""
    while True:
        yield from batches


def training(batch: int, *, betas: Sequence[float], updates: int = 1) -> dict[str, Any]:
    """Optimizers as all three have them, in ganzoo's configuration."""
    return {
        "train.batch_size": batch,
        "train.n_critic": updates,
        "train.optimizer": "adam",
        **{f"train.{player}_lr": RATE for player in "gd"},
        **{f"train.{player}_betas": list(betas) for player in "gd"},
    }
