"""The SNGAN of torch-mimicry's example, narrower."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch.utils.data import DataLoader

from ganzoo.benchmarking.names import Asked
from ganzoo.benchmarking.peers.importing import modules_of
from ganzoo.benchmarking.peers.peer import RATE, Peer, endless, training

WIDTH = 32
"""Features of both networks. The example has 256 for G and 128 for D, 64 and 16 times as many operations."""
BETAS = (0.0, 0.9)
UPDATES = 5
STEPS = 100_000


class TorchMimicry(Peer):
    """Three channels, 32×32, hinge, five updates of D.

    A step is the body of the loop in ``Trainer.train``, without prints and summaries.
    """

    values: ClassVar = {
        "data.image_size": 32,
        "data.channels": 3,
        "loss.name": "hinge",
        "discriminator.name": "resnet-sn",
        "train.lr_schedule": "linear",
        "train.steps": STEPS,
        **training(64, betas=BETAS, updates=UPDATES),
    }

    def __init__(self, batches: DataLoader[Any], folder: Path, asked: Asked) -> None:
        nets, scheduler, self.logs = modules_of(
            *("torch-mimicry", "nets.sngan", "training.scheduler", "training.metric_log"),
            hollow=True,
            pretended="torchvision",
        )
        g, d = nets.SNGANGenerator32(ngf=WIDTH), nets.SNGANDiscriminator32(ndf=WIDTH)
        self.generator, self.discriminator, self.latent = g, d, g.nz
        self.of_g, self.of_d = (torch.optim.Adam(one.parameters(), RATE, betas=BETAS) for one in (g, d))
        self.rates = scheduler.LRScheduler(lr_decay="linear", optD=self.of_d, optG=self.of_g, num_steps=STEPS)
        self.batches, self.taken = endless(batches), 0

    def step(self) -> None:
        """As in ``Trainer.train``."""
        told = self.logs.MetricLog()
        g: Any = self.generator
        d: Any = self.discriminator
        common = {"global_step": self.taken, "device": torch.device("cpu"), "scaler": None}
        for _ in range(UPDATES):
            real = next(self.batches)
            told = d.train_step(real_batch=real, netG=g, optD=self.of_d, log_data=told, **common)
        told = g.train_step(real_batch=real, netD=d, optG=self.of_g, log_data=told, **common)
        self.taken += 1
        self.rates.step(log_data=told, global_step=self.taken)
