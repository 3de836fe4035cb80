"""Edges to photos with the conditional critic of pix2pix, and without a critic, at equal steps from equal weights.

    python examples/adversary_pix2pix.py --data cifar10.tar.gz --steps 1000 --out photos.png

The critic sees edges and photo together: ``condition=edges`` in both calls. Prints of held-out pictures the mean
absolute error and the sharpness. Writes edges, both results and the photos, a row each.
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

SOBEL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


def edges(photos: Tensor) -> Tensor:
    """(N, C, H, W) → (N, 1, H, W): 1 where brightness changes, -1 elsewhere."""
    gray = F.pad(photos.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    slopes = F.conv2d(gray, torch.stack([SOBEL, SOBEL.T]).unsqueeze(1))
    return (slopes.norm(dim=1, keepdim=True) > 1.2).float() * 2 - 1


class Unet(nn.Module):
    """Two halvings and two doublings, each of which sees the other end of its size."""

    def __init__(self, inputs: int, outputs: int, *, width: int = 32) -> None:
        super().__init__()

        def layer(before: int, after: int, stride: int = 1) -> nn.Module:
            return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.GroupNorm(4, after), nn.SiLU())

        self.first, self.middle = layer(inputs, width), layer(width, 2 * width, 2)
        self.deepest = nn.Sequential(layer(2 * width, 2 * width, 2), layer(2 * width, 2 * width))
        self.to_half, self.to_large = layer(4 * width, width), layer(2 * width, width)
        self.last = nn.Conv2d(width, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        large = self.first(x)
        half = self.middle(large)
        up = self.to_half(torch.cat([F.interpolate(self.deepest(half), scale_factor=2), half], 1))
        up = self.to_large(torch.cat([F.interpolate(up, scale_factor=2), large], 1))
        return torch.tanh(self.last(up))


def train(data: str, steps: int, *, critic: bool, batch_size: int = 16) -> Unet:
    dataset = open_data(data, "train")
    batches = Batches(dataset, batch_size=batch_size, seed=0)
    torch.manual_seed(0)
    model = Unet(1, dataset.spec.shape[0])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))
    adversary = ganzoo.adversary(
        "pix2pix",
        shape=dataset.spec.shape,
        condition_channels=1,
        # Smaller than theirs, as the pictures are.
        discriminators={"patch": {"name": "patchgan", "ndf": 32, "n_layers": 2, "norm": "batch"}},
    )
    for step in range(steps):
        photo = batches.batch(step).data
        drawing = edges(photo)
        y = model(drawing)
        loss = 100 * F.l1_loss(y, photo)
        if critic:
            loss = loss + adversary.generator_loss(y, condition=drawing).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if critic:
            adversary.update(fake=y, real=photo, condition=drawing)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="textures")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("photos.png"))
    given = parser.parse_args()
    x = Batches(open_data(given.data, "test"), batch_size=64, seed=0).batch(0).data
    rows = [edges(x).expand_as(x)]
    for critic in (False, True):
        model = train(given.data, given.steps, critic=critic)
        with torch.inference_mode():
            rows.append(model(edges(x)))
        error, sharpness = float(F.l1_loss(rows[-1], x)), roughness(rows[-1]) / roughness(x)
        print(f"critic {critic!s:5}  error {error:.4f}  sharpness {sharpness:.4f}", flush=True)
    shown = torch.cat([row[:12] for row in (*rows, x)])
    names = ("edges", "no critic", "critic", "photos")
    pictures.save(pictures.grid(sampling.to_uint8(shown), columns=12, names=names), given.out)


if __name__ == "__main__":
    main()
