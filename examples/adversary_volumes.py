"""An autoencoder of volumes with a critic of patches in 3-D and one of slices, and without, at equal steps.

    python examples/adversary_volumes.py --steps 600 --out volumes.png

The volumes are made here: a ball or a box with grain, in a dark surround with less. Settings are those of MONAI's
autoencoders; the critic of slices is an ordinary one of pictures behind a module of one's own. Prints of new volumes
the mean absolute error and the sharpness. Writes slices through the middle, volumes and both results, a row each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from adversary_vq_autoencoder import roughness
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.evaluation import pictures, sampling
from ganzoo.protocols import DataSpec


def volumes(n: int, random: torch.Generator, size: int = 16) -> Tensor:
    """(N, 1, D, H, W) in [-1, 1]."""
    axis = torch.linspace(-1, 1, size)
    places = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).expand(n, 3, size, size, size)
    away = (places - torch.empty(n, 3, 1, 1, 1).uniform_(-0.3, 0.3, generator=random)).abs()
    ball = torch.rand(n, 1, 1, 1, 1, generator=random) < 0.5
    far = torch.where(ball, away.norm(dim=1, keepdim=True), away.amax(1, keepdim=True))
    inside = far < torch.empty(n, 1, 1, 1, 1).uniform_(0.35, 0.65, generator=random)
    grain = torch.randn(n, 1, size, size, size, generator=random)
    return torch.where(inside, 0.3 + 0.25 * grain, -0.7 + 0.08 * grain).clamp(-1, 1)


class Slices(nn.Module):
    """A critic of pictures that judges all slices along the first axis: a map (N, 1, D, h, w)."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor) -> Tensor:
        slices = x.movedim(2, 1).flatten(0, 1)
        logits: Tensor = self.critic(slices).logits.unflatten(0, (len(x), -1))
        return logits.movedim(1, 2)


def autoencoder(width: int = 16, size: int = 4) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(1, width, 4, 2, 1), nn.SiLU(), nn.Conv3d(width, 2 * width, 4, 2, 1), nn.SiLU(),
        nn.Conv3d(2 * width, size, 1), nn.Conv3d(size, 2 * width, 3, padding=1), nn.SiLU(),
        nn.ConvTranspose3d(2 * width, width, 4, 2, 1), nn.SiLU(),
        nn.ConvTranspose3d(width, width, 4, 2, 1), nn.SiLU(), nn.Conv3d(width, 1, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def train(steps: int, *, critics: bool, batch_size: int = 8) -> nn.Sequential:
    torch.manual_seed(0)
    model = autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    picture = DataSpec(shape=(1, 16, 16))
    adversary = ganzoo.adversary(
        "monai-autoencoder",
        shape=(1, 16, 16, 16),
        discriminators={
            "volume": {"name": "patchgan", "ndf": 16, "n_layers": 2, "norm": "batch"},
            "slices": Slices(ganzoo.build("discriminator", "patchgan-sn", spec=picture, ndf=16, n_layers=1)),
        },
        critic_weights={"slices": 0.5},
        weight=0.05,  # theirs, 0.01, is meant for many epochs
        start=steps // 4,
        optimizer={"name": "adam", "lr": 2e-3, "betas": [0.5, 0.9]},
    )
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        x = volumes(batch_size, random)
        y = model(x)
        loss = F.l1_loss(y, x)
        if critics:
            loss = loss + adversary.generator_loss(y).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if critics:
            adversary.update(fake=y, real=x)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=Path("volumes.png"))
    given = parser.parse_args()
    x = volumes(64, torch.Generator().manual_seed(1))
    rows = [x]
    for critics in (False, True):
        model = train(given.steps, critics=critics)
        with torch.inference_mode():
            rows.append(model(x))
        error, sharpness = float(F.l1_loss(rows[-1], x)), roughness(rows[-1]) / roughness(x)
        print(f"critics {critics!s:5}  error {error:.4f}  sharpness {sharpness:.4f}", flush=True)
    shown = torch.cat([row[:12, :, row.shape[2] // 2] for row in rows])
    names = ("volumes", "no critic", "critics")
    pictures.save(pictures.grid(sampling.to_uint8(shown), columns=12, names=names), given.out)


if __name__ == "__main__":
    main()
