"""ganzoo's parts in a loop of your own: a margin-hinge GAN on digits. Writes a grid of samples.

python examples/one_screen.py --steps 500 --out one_screen.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import ganzoo
from ganzoo.data import Batches, cache_folder
from ganzoo.evaluation import pictures, sampling
from ganzoo.protocols import Discriminator, Generator


def train(steps: int, *, batch_size: int = 64, seed: int = 0) -> Generator:
    dataset = ganzoo.build("dataset", "digits").open(image_size=32, channels=1, split="train", cache=cache_folder())
    batches = Batches(dataset, batch_size=batch_size, seed=seed)
    torch.manual_seed(seed)
    loss = ganzoo.build("loss", "margin-hinge", margin_real=0.5)
    discriminator: Discriminator = ganzoo.build("discriminator", "patchgan-sn", spec=dataset.spec)
    generator: Generator = ganzoo.build("generator", "dcgan", spec=dataset.spec, latent=64)
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.0, 0.999))
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=5e-4, betas=(0.0, 0.999))
    random = torch.Generator().manual_seed(seed)
    for step in range(steps):
        with torch.no_grad():
            fake = generator(generator.latent(batch_size, generator=random))
        real = batches.batch(step).data
        d_loss = loss.discriminator_loss(real=discriminator(real).logits, fake=discriminator(fake).logits)
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()

        fake = generator(generator.latent(batch_size, generator=random))
        g_loss = loss.generator_loss(fake=discriminator(fake).logits)
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        if step % 50 == 0:
            print(f"step {step:4d}  D {d_loss.item():.3f}  G {g_loss.item():+.3f}")
    return generator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("one_screen.png"))
    arguments = parser.parse_args()
    generator = train(arguments.steps).eval()
    with torch.no_grad():
        images = generator(generator.latent(64, generator=torch.Generator().manual_seed(1)))
    pictures.save(pictures.grid(sampling.to_uint8(images), columns=8), arguments.out)


if __name__ == "__main__":
    main()
