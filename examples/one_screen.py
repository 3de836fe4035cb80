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
    discriminator: Discriminator = ganzoo.build("discriminator", "patchgan-sn", spec=dataset.spec)
    generator: Generator = ganzoo.build("generator", "dcgan", spec=dataset.spec, latent=64)
    loss = {"name": "margin-hinge", "margin_real": 0.5}
    adversarial = ganzoo.adversarial_step(loss, discriminator, spec=dataset.spec)
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.0, 0.999))
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=5e-4, betas=(0.0, 0.999))
    random = torch.Generator().manual_seed(seed)
    for step in range(steps):
        real = batches.batch(step).data
        fake = generator(generator.latent(batch_size, generator=random))
        d_terms = adversarial.discriminator_terms(real=real, fake=fake, update=step)
        d_optimizer.zero_grad()
        d_terms.total().backward()
        d_optimizer.step()
        adversarial.after_update("discriminator", d_terms)
        g_terms = adversarial.generator_terms(real=real, fake=fake, update=step)
        g_optimizer.zero_grad()
        g_terms.total().backward()
        g_optimizer.step()
        adversarial.after_update("generator", g_terms)
        if step % 50 == 0:
            print(f"step {step:4d}  D {d_terms.total().item():.3f}  G {g_terms.total().item():+.3f}")
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
