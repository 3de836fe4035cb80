"""The VQ autoencoder with its critic in Lightning: manual optimization, and the two calls in ``training_step``.

    python examples/adversary_lightning.py --data textures --steps 600

The adversary is an attribute of the module, so Lightning moves it to the device and its state is in the checkpoint.
``configure_optimizers`` hands Lightning the autoencoder's parameters only: the adversary steps its own optimizer.
"""

from __future__ import annotations

import argparse

import lightning
import torch
from adversary_vq_autoencoder import VqAutoencoder, open_data
from torch import Tensor
from torch.utils.data import DataLoader

import ganzoo
from ganzoo.data import Batches


class Tokenizer(lightning.LightningModule):
    def __init__(self, shape: tuple[int, ...], *, start: int) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model = VqAutoencoder(shape[0])
        self.adversary = ganzoo.adversary(
            "vqgan",
            shape=shape,
            discriminators={"patch": {"name": "patchgan-sn", "ndf": 32, "n_layers": 2}},
            start=start,
            optimizer={"name": "adam", "lr": 1e-3, "betas": [0.5, 0.9]},
        )
        self.adversary.keep_out_of_ddp(self)  # where Lightning wraps this module for several processes

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.model.parameters(), lr=1e-3, betas=(0.5, 0.9))

    def training_step(self, x: Tensor, _: int) -> None:
        optimizer = self.optimizers()
        y, cost = self.model(x)
        rec = (y - x).abs().mean()
        adv = self.adversary.generator_loss(y, reference=rec, last_layer=self.model.last.weight)
        optimizer.zero_grad()
        self.manual_backward(rec + cost + adv.total)
        optimizer.step()
        self.log_dict({"rec": rec.detach(), "push": adv.gradient_norm, **self.adversary.update(fake=y, real=x)})


def train(data: str, steps: int, *, batch_size: int = 16, **options: object) -> lightning.Trainer:
    dataset = open_data(data, "train")
    batches = Batches(dataset, batch_size=batch_size, seed=0)
    torch.manual_seed(0)
    module = Tokenizer(dataset.spec.shape, start=steps // 4)
    trainer = lightning.Trainer(max_steps=steps, max_epochs=1, logger=False, enable_model_summary=False, **options)
    # Each item is a batch, which ganzoo has put together.
    loader = DataLoader([batches.batch(step).data for step in range(steps)], batch_size=None)
    trainer.fit(module, loader)
    return trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="textures")
    parser.add_argument("--steps", type=int, default=600)
    given = parser.parse_args()
    trainer = train(given.data, given.steps)
    print("  ".join(f"{name} {float(value):.4f}" for name, value in trainer.callback_metrics.items()))


if __name__ == "__main__":
    main()
