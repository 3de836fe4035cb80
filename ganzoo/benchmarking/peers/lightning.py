"""The GAN of Lightning's examples, whose file the user names."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from torch.utils.data import DataLoader

from ganzoo.benchmarking.names import Asked
from ganzoo.benchmarking.peers.importing import class_of_example, modules_of
from ganzoo.benchmarking.peers.peer import Peer, training


class Lightning(Peer):
    """Fully connected networks, one channel, 28×28, binary cross-entropy.

    They train in ``Trainer.fit`` without bar, summary and checkpoints. Its loop calls back after each step, so it is
    asked for some steps at once.
    """

    values: ClassVar = {
        "data.image_size": 28,
        "data.channels": 1,
        "loss.name": "bce",
        "discriminator.name": "mlp",
        **training(32, betas=(0.5, 0.999)),  # that of its MNISTDataModule
    }
    fewest: ClassVar = 2

    def __init__(self, batches: DataLoader[Any], folder: Path, asked: Asked) -> None:
        [self.library] = modules_of("lightning", "pytorch")
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # it says at every fit what devices there are
        self.model: Any = class_of_example(asked, "GAN")()
        self.model.on_train_epoch_end = lambda: None  # it draws a grid by torchvision
        self.generator, self.discriminator = self.model.generator, self.model.discriminator
        self.latent = self.model.hparams.latent_dim
        self.batches, self.folder = batches, folder

    def step(self) -> None:
        """One alone, with all that a fit begins and ends with."""
        self.steps(1)

    def steps(self, count: int, done: Callable[[int], None] = lambda number: None) -> None:
        """In one fit."""
        pl, number = self.library, itertools.count(1)
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=-1,
            max_steps=2 * count,  # two optimizers move in each
            logger=pl.loggers.CSVLogger(self.folder),
            callbacks=[pl.callbacks.LambdaCallback(on_train_batch_end=lambda *_: done(next(number)))],
            default_root_dir=self.folder,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(self.model, self.batches)
