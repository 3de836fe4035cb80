"""What ganzoo trains beside another library: networks of the same classes, with the same first weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.benchmarking.names import Asked
from ganzoo.benchmarking.peers.lightning import Lightning
from ganzoo.benchmarking.peers.peer import Peer
from ganzoo.benchmarking.peers.theirs import InMemory, TheirDiscriminator, TheirGenerator
from ganzoo.benchmarking.peers.torch_mimicry import TorchMimicry
from ganzoo.benchmarking.peers.torchgan import Torchgan
from ganzoo.config.layers import ConfigLayer
from ganzoo.config.schema import Selection
from ganzoo.data import as_floats
from ganzoo.errors import ConfigError
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import NETWORKS, Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.seeds import seeded

KINDS: dict[str, type[Peer]] = {"torchgan": Torchgan, "torch-mimicry": TorchMimicry, "lightning": Lightning}
PICTURES = 1024


@dataclass(frozen=True, kw_only=True)
class Match(Plan):
    """A plan with networks of another library.

    Attributes:
        asked: which.
        start: begins the library's own training of such networks, in a folder where it may write.
        first: both networks with the weights that they begin with.
    """

    asked: Asked
    start: Callable[[Path], Peer]
    first: tuple[TheirDiscriminator, TheirGenerator]

    def untrained(self) -> Match:
        """With networks as the library made them."""
        discriminator, generator = copy.deepcopy(self.first)
        return replace(self, discriminator=discriminator, generator=generator)


def match(registry: Registry, asked: Asked) -> Match:
    """What ganzoo trains beside a library, at the settings of its example.

    Raises:
        ConfigError: the library or its example cannot be imported, or there is no such batch.
    """
    kind = KINDS[asked.peer]
    plan = _plan(registry, asked, kind)
    images = plan.dataset.read(torch.arange(len(plan.dataset)))
    start = partial(_start, kind, images, plan.config.train.batch_size, plan.config.seed, asked)
    with TemporaryDirectory(prefix="ganzoo-bench-") as folder:
        peer = start(Path(folder))
    theirs = {
        "config": plan.config.model_copy(
            update={name: Selection(name=f"{type(getattr(peer, name)).__name__} of {asked.peer}") for name in NETWORKS}
        ),
        "dataset": InMemory(images, like=plan.dataset),
    }
    first = TheirDiscriminator(peer.discriminator), TheirGenerator(peer.generator, peer.latent)
    return Match(**{**vars(plan), **theirs}, asked=asked, start=start, first=first).untrained()


def _plan(registry: Registry, asked: Asked, kind: type[Peer]) -> Plan:
    """With networks of ganzoo's, in whose place those of the library go."""
    common = {"data.name": "synthetic", "generator.name": "dcgan", "runtime.device": "cpu"}
    pictures = {"data.n": max(PICTURES, asked.batch or 0)}
    layers = [ConfigLayer(asked.peer, {**common, **pictures, **kind.values})]
    layers += [] if asked.batch is None else [ConfigLayer("--batch", {"train.batch_size": asked.batch})]
    choice = choose(registry, layers)
    if choice.config.train.batch_size < kind.fewest:
        raise ConfigError(
            f"networks of {asked.peer} normalize over the batch",
            given=f"--batch {asked.batch}",
            allowed=f"at least {kind.fewest}",
            hint=f"--batch {kind.fewest}",
        )
    return make_plan(choice)


def _start(kind: type[Peer], images: Tensor, batch: int, seed: int, asked: Asked, folder: Path) -> Peer:
    """With the same first weights every time, and the pictures that ganzoo sees."""
    pictures = TensorDataset(as_floats(images), torch.zeros(len(images), dtype=torch.int64))
    batches: DataLoader[Any] = DataLoader(pictures, batch_size=batch, shuffle=True, drop_last=True)
    with seeded(seed, "init/peer"):
        return kind(batches, folder, asked)
