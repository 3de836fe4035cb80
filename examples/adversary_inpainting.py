"""Fill holes in pictures with a critic, and without, at equal steps from equal weights.

    python examples/adversary_inpainting.py --data cifar10.tar.gz --steps 1000 --out filled.png

No preset: a critic by name, R1, and a balance that holds the push at a share of your own loss's gradient. The critic
sees where the hole was, ``condition=hole``. Prints of held-out pictures the mean absolute error and the sharpness
within the hole. Writes pictures with holes, both results and the pictures, a row each.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import torch
from adversary_pix2pix import Unet
from adversary_vq_autoencoder import open_data, roughness
from torch import Tensor
from torch.nn import functional as F

import ganzoo
from ganzoo.data import Batches
from ganzoo.evaluation import pictures, sampling
from ganzoo.protocols import DataSpec


def holes(pictures: Tensor, random: torch.Generator | None = None) -> Tensor:
    """(N, 1, H, W): 1 in a square of half the side, in the middle or anywhere, and 0 around it."""
    n, _, height, width = pictures.shape
    hole = torch.zeros(n, 1, height, width)
    for one in hole:
        top, left = height // 4, width // 4
        if random is not None:
            top, left = (int(torch.randint(side // 2 + 1, (), generator=random)) for side in (height, width))
        one[:, top : top + height // 2, left : left + width // 2] = 1
    return hole


def fill(model: Unet, x: Tensor, hole: Tensor) -> Tensor:
    """What is known stays as it is."""
    known = x * (1 - hole)
    y: Tensor = known + model(torch.cat([known, hole], 1)) * hole
    return y


def train(data: str, steps: int, *, critic: bool, batch_size: int = 16) -> Unet:
    dataset = open_data(data, "train")
    batches, random = Batches(dataset, batch_size=batch_size, seed=0), torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    channels, *size = dataset.spec.shape
    model = Unet(channels + 1, channels)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.99))
    adversary = ganzoo.Adversary(
        ganzoo.build("discriminator", "patchgan-sn", spec=DataSpec(shape=(channels + 1, *size)), ndf=32, n_layers=2),
        loss="hinge",
        regularizers={"r1": {"weight": 0.1, "every": 8}},
        balance="balancer",
        weight=0.7,
        start=steps // 4,
        generator_start=steps // 3,
        optimizer=partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.99)),
    )
    for step in range(steps):
        x = batches.batch(step).data
        hole = holes(x, random)
        y = fill(model, x, hole)
        loss = rec = F.l1_loss(y, x)
        if critic:
            loss = rec + adversary.generator_loss(y, condition=hole, reference=rec).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if critic:
            adversary.update(fake=y, real=x, condition=hole)
    return model.eval()


def within(x: Tensor) -> Tensor:
    """The hole in the middle."""
    height, width = (side // 4 for side in x.shape[-2:])
    return x[..., height : 3 * height, width : 3 * width]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="textures")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("filled.png"))
    given = parser.parse_args()
    x = Batches(open_data(given.data, "test"), batch_size=64, seed=0).batch(0).data
    hole = holes(x)
    rows = [x * (1 - hole) + hole]
    for critic in (False, True):
        model = train(given.data, given.steps, critic=critic)
        with torch.inference_mode():
            rows.append(fill(model, x, hole))
        y, real = within(rows[-1]), within(x)
        error, sharpness = float(F.l1_loss(y, real)), roughness(y) / roughness(real)
        print(f"critic {critic!s:5}  error {error:.4f}  sharpness {sharpness:.4f}", flush=True)
    shown = torch.cat([row[:12] for row in (*rows, x)])
    names = ("holes", "no critic", "critic", "pictures")
    pictures.save(pictures.grid(sampling.to_uint8(shown), columns=12, names=names), given.out)


if __name__ == "__main__":
    main()
