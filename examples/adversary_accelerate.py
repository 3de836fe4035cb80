"""The VQ autoencoder with its critic in Accelerate: ``prepare`` the autoencoder, register the adversary.

    accelerate launch examples/adversary_accelerate.py --data textures --steps 600

The adversary needs no ``prepare``: it averages its gradients over processes itself. ``register_for_checkpointing`` puts
it into ``accelerator.save_state`` with its critic, optimizer and counters.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import accelerate
import torch
from adversary_vq_autoencoder import VqAutoencoder, open_data

import ganzoo
from ganzoo.data import Batches


def train(
    data: str, steps: int, *, batch_size: int = 16, save: Path | None = None, cpu: bool = False
) -> ganzoo.Adversary:
    accelerator = accelerate.Accelerator(cpu=cpu)
    dataset = open_data(data, "train")
    # A seed for each process, so that each sees other pictures.
    batches = Batches(dataset, batch_size=batch_size, seed=accelerator.process_index)
    torch.manual_seed(0)
    model = VqAutoencoder(dataset.spec.shape[0])
    model, optimizer = accelerator.prepare(model, torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.9)))
    last = accelerator.unwrap_model(model).last.weight
    adversary = ganzoo.adversary(
        "vqgan",
        shape=dataset.spec.shape,
        discriminators={"patch": {"name": "patchgan-sn", "ndf": 32, "n_layers": 2}},
        start=steps // 4,
        optimizer={"name": "adam", "lr": 1e-3, "betas": [0.5, 0.9]},
    ).to(accelerator.device)
    accelerator.register_for_checkpointing(adversary)
    for step in range(steps):
        x = batches.batch(step).data.to(accelerator.device)
        y, cost = model(x)
        rec = (y - x).abs().mean()
        adv = adversary.generator_loss(y, reference=rec, last_layer=last)
        optimizer.zero_grad()
        accelerator.backward(rec + cost + adv.total)
        optimizer.step()
        logs = adversary.update(fake=y, real=x)
    values = {"rec": rec.detach(), "push": adv.gradient_norm, **logs}
    accelerator.print("  ".join(f"{name} {float(value):.4f}" for name, value in values.items()))
    if save is not None:
        accelerator.save_state(save)
    return adversary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="textures")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--save", type=Path, help="folder for the state")
    given = parser.parse_args()
    train(given.data, given.steps, save=given.save)


if __name__ == "__main__":
    main()
