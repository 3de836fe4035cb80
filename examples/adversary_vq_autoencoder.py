"""A VQ autoencoder of one's own, with and without the critic of VQGAN, at equal steps from equal weights.

    python examples/adversary_vq_autoencoder.py --data cifar10.tar.gz --extractor efficientnet-lite0 --seeds 3

Prints of held-out reconstructions the mean absolute error, the sharpness (mean absolute difference between neighboring
pixels over that of the pictures), and the kernel distance in features. Writes pictures, without and with, a row each.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.data import Batches, cache_folder
from ganzoo.evaluation import pictures, sampling
from ganzoo.protocols import Dataset


def roughness(x: Tensor) -> float:
    return float((x.diff(dim=-1).abs().mean() + x.diff(dim=-2).abs().mean()) / 2)


class VqAutoencoder(nn.Module):
    """Two halvings, a code book, two doublings."""

    def __init__(self, channels: int, *, width: int = 32, codes: int = 64, size: int = 8) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(width, width, 4, 2, 1), nn.SiLU(), nn.Conv2d(width, size, 1),
        )  # fmt: skip
        self.codes = nn.Embedding(codes, size)
        nn.init.normal_(self.codes.weight, std=0.5)
        self.decode = nn.Sequential(
            nn.Conv2d(size, width, 3, padding=1), nn.SiLU(),
            nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(),
            nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(),
        )  # fmt: skip
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstructions and what the code book costs."""
        z = self.encode(pictures).movedim(1, -1)
        nearest = torch.cdist(z.reshape(-1, z.shape[-1]), self.codes.weight).argmin(1).view(z.shape[:-1])
        code = self.codes(nearest)
        cost = F.mse_loss(code, z.detach()) + 0.25 * F.mse_loss(z, code.detach())
        straight = z + (code - z).detach()
        return torch.tanh(self.last(self.decode(straight.movedim(-1, 1)))), cost


@cache
def open_data(data: str, split: str, size: int = 32) -> Dataset:
    """A dataset of ganzoo by its name, or pictures in a folder or an archive."""
    options = ganzoo.build("dataset", "pictures", path=data) if Path(data).exists() else ganzoo.build("dataset", data)
    return options.open(image_size=size, channels=None, split=split, cache=cache_folder())


def train(data: str, steps: int, *, critic: bool, batch_size: int = 16, seed: int = 0) -> VqAutoencoder:
    dataset = open_data(data, "train")
    batches = Batches(dataset, batch_size=batch_size, seed=seed)
    torch.manual_seed(seed)
    model = VqAutoencoder(dataset.spec.shape[0])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.9))
    adversary = ganzoo.adversary(
        "vqgan",
        shape=dataset.spec.shape,
        discriminators={"patch": {"name": "patchgan-sn", "ndf": 32, "n_layers": 2}},
        start=steps // 4,
        generator_start=steps // 3,
        optimizer={"name": "adam", "lr": 1e-3, "betas": [0.5, 0.9]},
        seed=seed,
    )
    for step in range(steps):
        x = batches.batch(step).data
        y, cost = model(x)
        loss = rec = (y - x).abs().mean()
        if critic:
            loss = rec + adversary.generator_loss(y, reference=rec, last_layer=model.last.weight).total
        optimizer.zero_grad()
        (loss + cost).backward()
        optimizer.step()
        if critic:
            adversary.update(fake=y, real=x)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="textures")
    for name, default in {"--steps": 1200, "--seeds": 1, "-n": 1000}.items():  # n: held-out pictures
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--extractor", default="random-conv")
    parser.add_argument("--out", type=Path, default=Path("autoencoder.png"))
    given = parser.parse_args()
    held_out = Batches(open_data(given.data, "test"), batch_size=given.n, seed=0).batch(0).data
    seen = {"data": open_data(given.data, "train"), "device": torch.device("cpu"), "cache": cache_folder()}
    extractor = ganzoo.build("extractor", given.extractor).open(**seen)
    real = extractor(sampling.to_uint8(held_out)).features
    for seed in range(given.seeds):
        rows = [held_out[:16]]
        for critic in (False, True):
            model = train(given.data, given.steps, critic=critic, seed=seed)
            with torch.inference_mode():
                y = torch.cat([model(part)[0] for part in held_out.split(100)])
            found = {"error": float(F.l1_loss(y, held_out)), "sharpness": roughness(y) / roughness(held_out)}
            found |= ganzoo.measure("kernel-distance", real=real, fake=extractor(sampling.to_uint8(y)).features)
            values = "  ".join(f"{name} {value:.4f}" for name, value in found.items())
            print(f"seed {seed}  critic {critic!s:5}  {values}", flush=True)
            rows.append(y[:16])
    pictures.save(pictures.grid(sampling.to_uint8(torch.cat(rows)), columns=16), given.out)


if __name__ == "__main__":
    main()
