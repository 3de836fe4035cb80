"""Turn pictures of one class into another without pairs, as CycleGAN: two generators, two critics with a pool of fakes.

    python examples/adversary_cyclegan.py --data cifar10.tar.gz --classes deer horse --steps 1000 --out translated.png

Prints of held-out pictures, for either way, the mean absolute error there and back, and how far their mean features are
from those of the other class, before and after translation. Writes pictures, translated and back, a row each.
"""

from __future__ import annotations

import argparse
from itertools import chain
from pathlib import Path

import torch
from adversary_pix2pix import Unet
from adversary_vq_autoencoder import open_data
from torch import Tensor
from torch.nn import functional as F

import ganzoo
from ganzoo.data import cache_folder
from ganzoo.evaluation import pictures, sampling


def of_class(data: str, split: str, name: str) -> Tensor:
    """All pictures of a class, uint8: two sets of their own that know nothing of each other."""
    dataset = open_data(data, split)
    return dataset.read((dataset.labels == dataset.spec.classes.index(name)).nonzero().flatten())


def floats(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def critic_of(shape: tuple[int, ...]) -> ganzoo.Adversary:
    """One for each class; smaller than theirs, as the pictures are."""
    small = {"patch": {"name": "patchgan", "ndf": 32, "n_layers": 2, "norm": "instance"}}
    return ganzoo.adversary("cyclegan", shape=shape, discriminators=small)


def train(a: Tensor, b: Tensor, steps: int, *, batch_size: int = 8) -> tuple[Unet, Unet]:
    """(to b, to a)."""
    torch.manual_seed(0)
    channels = a.shape[1]
    to_b, to_a = Unet(channels, channels), Unet(channels, channels)
    optimizer = torch.optim.Adam(chain(to_b.parameters(), to_a.parameters()), lr=5e-4, betas=(0.5, 0.999))
    critic_a, critic_b = critic_of(a.shape[1:]), critic_of(b.shape[1:])
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        real_a, real_b = (floats(x[torch.randint(len(x), (batch_size,), generator=random)]) for x in (a, b))
        # Each generator once for its translations and the identity, since nothing couples samples.
        fake_b, same_b = to_b(torch.cat([real_a, real_b])).chunk(2)
        fake_a, same_a = to_a(torch.cat([real_b, real_a])).chunk(2)
        cycles = F.l1_loss(to_a(fake_b), real_a) + F.l1_loss(to_b(fake_a), real_b)
        identity = F.l1_loss(same_a, real_a) + F.l1_loss(same_b, real_b)
        push = critic_a.generator_loss(fake_a).total + critic_b.generator_loss(fake_b).total
        optimizer.zero_grad()
        (10 * cycles + 5 * identity + push).backward()
        optimizer.step()
        critic_a.update(fake=fake_a, real=real_a)
        critic_b.update(fake=fake_b, real=real_b)
    return to_b.eval(), to_a.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="digits")
    parser.add_argument("--classes", nargs=2, default=("1", "7"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("-n", type=int, default=500, help="held-out pictures of each class")
    parser.add_argument("--extractor", default="random-conv")
    parser.add_argument("--out", type=Path, default=Path("translated.png"))
    given = parser.parse_args()
    to_b, to_a = train(*(of_class(given.data, "train", name) for name in given.classes), given.steps)
    a, b = (of_class(given.data, "test", name)[: given.n] for name in given.classes)
    seen = {"data": open_data(given.data, "train"), "device": torch.device("cpu"), "cache": cache_folder()}
    extractor = ganzoo.build("extractor", given.extractor).open(**seen)

    def place(pixels: Tensor) -> Tensor:
        return extractor(pixels).features.mean(0)

    rows = []
    for real, other, there, back in ((a, b, to_b, to_a), (b, a, to_a, to_b)):
        with torch.inference_mode():
            fake = there(floats(real))
            again = back(fake)
        before, after = (float((place(x) - place(other)).norm()) for x in (real, sampling.to_uint8(fake)))
        error = float(F.l1_loss(again, floats(real)))
        print(f"there and back: error {error:.4f}  before {before:.4f}  after {after:.4f}", flush=True)
        rows += [real[:12], sampling.to_uint8(fake[:12]), sampling.to_uint8(again[:12])]
    names = [row for name, other in (given.classes, given.classes[::-1]) for row in (name, f"to {other}", "and back")]
    pictures.save(pictures.grid(torch.cat(rows), columns=12, names=names), given.out)


if __name__ == "__main__":
    main()
