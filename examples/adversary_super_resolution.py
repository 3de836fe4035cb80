"""Super-resolution by four with the loss of Real-ESRGAN, and without a critic, at equal steps from equal weights.

    python examples/adversary_super_resolution.py --data cifar10.tar.gz --steps 1000 --out larger.png

Pictures of 32×32 are averaged to 8×8 and enlarged again. Prints of held-out pictures the mean absolute error and the
sharpness. Writes small pictures (enlarged by bicubic interpolation), both results, and the pictures, a row each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from adversary_vq_autoencoder import open_data, roughness
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.data import Batches
from ganzoo.evaluation import pictures, sampling


def enlarged(small: Tensor) -> Tensor:
    return F.interpolate(small, scale_factor=4, mode="bicubic").clamp(-1, 1)


class Enlarge(nn.Module):
    """What bicubic interpolation lacks, computed at the small size."""

    def __init__(self, channels: int, *, width: int = 48) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, 16 * channels, 3, padding=1),
            nn.PixelShuffle(4),
        )  # fmt: skip

    def forward(self, small: Tensor) -> Tensor:
        y: Tensor = enlarged(small) + self.body(small)
        return y


def train(data: str, steps: int, *, critic: bool, batch_size: int = 16) -> Enlarge:
    dataset = open_data(data, "train")
    batches = Batches(dataset, batch_size=batch_size, seed=0)
    torch.manual_seed(0)
    model = Enlarge(dataset.spec.shape[0])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    adversary = ganzoo.adversary(
        "real-esrgan",
        shape=dataset.spec.shape,
        discriminators={"patch": {"name": "patchgan-sn", "ndf": 32, "n_layers": 2}},
        # As there: the network is trained without a critic first.
        start=steps // 4,
        optimizer={"name": "adam", "lr": 1e-3, "betas": [0.9, 0.99]},  # theirs, 1e-4, is meant for many more steps
    )
    for step in range(steps):
        x = batches.batch(step).data
        y = model(F.avg_pool2d(x, 4))
        loss = F.l1_loss(y, x)
        if critic:
            loss = loss + adversary.generator_loss(y, real=x).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if critic:
            adversary.update(fake=y, real=x)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="textures")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("larger.png"))
    given = parser.parse_args()
    x = Batches(open_data(given.data, "test"), batch_size=64, seed=0).batch(0).data
    small = F.avg_pool2d(x, 4)
    rows = [enlarged(small)]
    for critic in (False, True):
        model = train(given.data, given.steps, critic=critic)
        with torch.inference_mode():
            rows.append(model(small).clamp(-1, 1))
        error, sharpness = float(F.l1_loss(rows[-1], x)), roughness(rows[-1]) / roughness(x)
        print(f"critic {critic!s:5}  error {error:.4f}  sharpness {sharpness:.4f}", flush=True)
    shown = torch.cat([row[:12] for row in (*rows, x)])
    names = ("bicubic", "no critic", "critic", "pictures")
    pictures.save(pictures.grid(sampling.to_uint8(shown), columns=12, names=names), given.out)


if __name__ == "__main__":
    main()
