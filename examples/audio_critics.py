"""How soon each critic of signals tells notes from the same notes with other phases, as a poor vocoder makes them.

    python examples/audio_critics.py --steps 60

Critics are narrow. Accuracy is of held-out sounds, 100 real and 100 fake: the mean logit of all maps is above 0 for
real ones. Prints a row for each critic: its weights, and the accuracy after each third of the steps.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.protocols import DataSpec

LENGTH, N_FFT, HOP = 512, 64, 16
RESOLUTIONS = [[64, 16, 64], [32, 8, 32]]
CRITICS: dict[str, dict[str, object]] = {
    "period": {"ndf": 4, "periods": [2, 3]},
    "scale": {"ndf": 8, "n_scales": 2},
    "stft": {"ndf": 8, "resolutions": RESOLUTIONS},
    "stft-complex": {"ndf": 8, "n_ffts": [64, 32]},
    "stft-bands": {"ndf": 8, "n_ffts": [64, 32]},
    "ensemble": {"critics": {"period": {"ndf": 4, "periods": [2]}, "stft-bands": {"ndf": 4, "n_ffts": [64]}}},
}


def notes(n: int, random: torch.Generator) -> Tensor:
    """(N, 1, T): a tone of four harmonics with a pitch of its own, and a decay."""
    time = torch.arange(LENGTH)
    pitch = 0.01 + 0.04 * torch.rand(n, 1, 1, generator=random)
    harmonic = torch.arange(1, 5).view(1, 4, 1)
    start = 2 * math.pi * torch.rand(n, 1, 1, generator=random)
    tone = (torch.sin(harmonic * (2 * math.pi * pitch * time + start)) / harmonic).sum(1, keepdim=True)
    return 0.4 * tone * torch.exp(-time / LENGTH)


def vocoded(x: Tensor, random: torch.Generator) -> Tensor:
    """The magnitudes of each window with phases drawn at random, overlapped and added."""
    window = torch.hann_window(N_FFT)
    found = torch.stft(x.squeeze(1), N_FFT, HOP, window=window, return_complex=True)
    turned = torch.polar(found.abs(), 2 * math.pi * torch.rand(found.shape, generator=random))
    return torch.istft(turned, N_FFT, HOP, window=window, length=LENGTH).unsqueeze(1)


@torch.no_grad()
def accuracy(critic: nn.Module) -> float:
    """Of held-out sounds, real and fake alike often."""
    random = torch.Generator().manual_seed(1)
    real, fake = notes(100, random), vocoded(notes(100, random), random)
    means = [torch.stack([logits.mean((1, 2)) for logits in critic(data).maps()]).mean(0) for data in (real, fake)]
    return float(torch.cat([means[0] > 0, means[1] < 0]).float().mean())


def train(name: str, steps: int, batch_size: int = 8) -> Iterator[tuple[nn.Module, float]]:
    """The critic and its accuracy after each third of the steps."""
    torch.manual_seed(0)
    critic = ganzoo.build("discriminator", name, spec=DataSpec(shape=(1, LENGTH)), **CRITICS[name])
    adversary = ganzoo.Adversary(critic, loss="hinge", optimizer=lambda p: torch.optim.Adam(p, 5e-3, (0.5, 0.9)))
    # At a rate that stays, critics of periods learn as soon and then go on to swing.
    falling = torch.optim.lr_scheduler.LinearLR(adversary.optimizer, 1.0, 0.0, steps)
    random = torch.Generator().manual_seed(0)
    for step in range(1, steps + 1):
        adversary.update(fake=vocoded(notes(batch_size, random), random), real=notes(batch_size, random))
        falling.step()
        if step % max(steps // 3, 1) == 0:
            yield critic, accuracy(critic)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--critics", nargs="+", default=list(CRITICS), choices=list(CRITICS))
    given = parser.parse_args()
    for name in given.critics:
        found = list(train(name, given.steps))
        weights = sum(parameter.numel() for parameter in found[-1][0].parameters())
        print(f"{name:12}  weights {weights:7,}  accuracy {' '.join(f'{one:.3f}' for _, one in found)}", flush=True)


if __name__ == "__main__":
    main()
