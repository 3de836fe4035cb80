"""In place of Lightning's example: what it does, in fewer layers; it needs Lightning, or what stands in for it."""

import lightning.pytorch as pl
import torch
from torch import nn
from torch.nn.functional import softplus


class GAN(pl.LightningModule):
    def __init__(self, latent_dim=5):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.generator = nn.Sequential(
            nn.Linear(latent_dim, 8), nn.BatchNorm1d(8), nn.Linear(8, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))
        )
        self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(784, 1))

    def training_step(self, batch):
        of_g, of_d = self.optimizers()
        fake = self.generator(torch.randn(len(batch[0]), self.hparams.latent_dim))
        self._move(of_g, softplus(-self.discriminator(fake)).mean())
        on_real, on_fake = (self.discriminator(images) for images in (batch[0], fake.detach()))
        self._move(of_d, softplus(-on_real).mean() + softplus(on_fake).mean())

    def _move(self, optimizer, loss):
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def configure_optimizers(self):
        return [
            torch.optim.Adam(one.parameters(), 2e-4, betas=(0.5, 0.999)) for one in (self.generator, self.discriminator)
        ]

    def on_train_epoch_end(self):
        raise AssertionError("it draws pictures")
