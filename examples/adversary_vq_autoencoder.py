"""A VQ autoencoder of one's own, with and without the critic of VQGAN, at equal steps from equal weights.

python examples/adversary_vq_autoencoder.py --data textures --steps 2000 --out autoencoder.png

Prints for each the mean absolute error and the sharpness of reconstructions of held-out pictures: their mean absolute
difference between neighboring pixels, over that of the pictures themselves. Writes pictures, reconstructions without,
and reconstructions with the critic, a row each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.data import Batches, cache_folder
from ganzoo.evaluation import pictures, sampling
from ganzoo.protocols import Dataset


class VqAutoencoder(nn.Module):
    """Two halvings, a code book, two doublings."""

    def __init__(self, channels: int, *, width: int = 32, codes: int = 64, size: int = 8) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1), nn.SiLU(), nn.Conv2d(width, width, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(width, size, 1),
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


def open_data(name: str, split: str, size: int) -> Dataset:
    dataset: Dataset = ganzoo.build("dataset", name).open(
        image_size=size, channels=1, split=split, cache=cache_folder()
    )
    return dataset


def train(data: str, steps: int, *, critic: bool, size: int = 32, batch_size: int = 16, seed: int = 0) -> VqAutoencoder:
    dataset = open_data(data, "train", size)
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
    )
    for step in range(steps):
        x = batches.batch(step).data
        y, cost = model(x)
        rec = (y - x).abs().mean()
        loss = rec + cost
        if critic:
            loss = loss + adversary.generator_loss(y, reference=rec, last_layer=model.last.weight).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if critic:
            adversary.update(fake=y, real=x)
    return model.eval()


def roughness(images: Tensor) -> float:
    return float((images.diff(dim=-1).abs().mean() + images.diff(dim=-2).abs().mean()) / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="textures")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("autoencoder.png"))
    given = parser.parse_args()
    for seed in range(given.seeds):
        held_out = Batches(open_data(given.data, "test", 32), batch_size=64, seed=0).batch(0).data
        rows = [held_out[:8]]
        for critic in (False, True):
            model = train(given.data, given.steps, critic=critic, seed=seed)
            with torch.no_grad():
                y, _ = model(held_out)
            sharp, error = roughness(y) / roughness(held_out), float((y - held_out).abs().mean())
            print(f"seed {seed}  critic {critic!s:5}  error {error:.4f}  sharpness {sharp:.3f}", flush=True)
            rows.append(y[:8])
    pictures.save(pictures.grid(sampling.to_uint8(torch.cat(rows)), columns=8), given.out)


if __name__ == "__main__":
    main()
