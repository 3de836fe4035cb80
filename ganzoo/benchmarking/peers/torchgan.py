"""The DCGAN of the docstring of torchgan's ``Trainer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch.utils.data import DataLoader

from ganzoo.benchmarking.names import Asked
from ganzoo.benchmarking.peers.importing import modules_of
from ganzoo.benchmarking.peers.peer import RATE, Peer, endless, training

BETAS = (0.5, 0.999)


class Torchgan(Peer):
    """One channel, 32×32, 16 features, minimax losses.

    A step is ``Trainer.train_iter`` with what the loop around it does, without prints: that loop trains for whole
    epochs only.
    """

    values: ClassVar = {
        "data.image_size": 32,
        "data.channels": 1,
        "loss.name": "bce",
        "discriminator.name": "dcgan",
        **training(64, betas=BETAS),
    }

    def __init__(self, batches: DataLoader[Any], folder: Path, asked: Asked) -> None:
        losses, models, trainer = modules_of(*("torchgan", "losses", "models", "trainer"), pretended="torchvision")

        def network(kind: Any, **args: Any) -> dict[str, Any]:
            adam = {"name": torch.optim.Adam, "args": {"lr": RATE, "betas": BETAS}}
            return {"name": kind, "args": {"step_channels": 16, **args}, "optimizer": adam}

        self.trainer = trainer.Trainer(
            {
                "generator": network(models.DCGANGenerator, out_channels=1),
                "discriminator": network(models.DCGANDiscriminator, in_channels=1),
            },
            [losses.MinimaxGeneratorLoss(), losses.MinimaxDiscriminatorLoss()],
            device=torch.device("cpu"),
            checkpoints=str(folder / "gan"),
            recon=str(folder),
        )
        self.trainer.batch_size = batches.batch_size
        for name in self.trainer.optimizer_names:
            getattr(self.trainer, name).zero_grad()
        self.generator, self.discriminator = self.trainer.generator, self.trainer.discriminator
        self.latent = self.trainer.generator.encoding_dims
        self.batches = endless(batches)

    def step(self) -> None:
        """As in ``Trainer.train``."""
        own = self.trainer
        own.real_inputs, own.labels = next(self.batches)
        g_loss, d_loss, g_steps, d_steps = own.train_iter()
        own.loss_information["generator_losses"] += g_loss
        own.loss_information["discriminator_losses"] += d_loss
        own.loss_information["generator_iters"] += g_steps
        own.loss_information["discriminator_iters"] += d_steps
        own.logger.run_mid_epoch(own)
