"""A vocoder, from mel spectrograms to waveforms, with the critics of HiFi-GAN and without, at equal steps.

    python examples/adversary_vocoder.py --data notes --steps 600 --out notes.png
    python examples/adversary_vocoder.py --data speech --steps 600 --out speech.png

Notes are made here; speech is made by eSpeak NG. The preset's critics are narrower than published. Both trainings
minimize 45 times the distance of log-mel spectrograms, as HiFi-GAN does. Prints of held-out sounds that distance, and
that of plain log spectra with a longer window. Writes spectrograms from 0 to 4 kHz: half a second of four sounds, and
what both vocoders make of them.
"""

from __future__ import annotations

import argparse
import math
from itertools import pairwise
from pathlib import Path

import torch
from sounds import LENGTH, RATE, Sounds, notes, speech
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.evaluation import pictures, sampling

HOP, MELS = 64, 40


def spectrum(x: Tensor, n_fft: int = 256, hop: int = HOP) -> Tensor:
    """Magnitudes (N, n_fft/2 + 1, T/hop)."""
    pad = (n_fft - hop) // 2
    padded = F.pad(x, (pad, pad), mode="reflect").squeeze(1)
    found = torch.stft(padded, n_fft, hop, window=torch.hann_window(n_fft), center=False, return_complex=True)
    return (found.real.square() + found.imag.square() + 1e-9).sqrt()


def mel(x: Tensor) -> Tensor:
    """Log-mel spectrogram (N, 40, T/64): triangles of equal width on the mel scale."""
    top = 2595 * math.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (torch.linspace(0, top, MELS + 2) / 2595) - 1)
    bins = torch.linspace(0, RATE / 2, 129)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return (torch.minimum(rising, falling).clamp(min=0) @ spectrum(x)).clamp(min=1e-4).log()


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 3, padding=gap, dilation=gap) for gap in (1, 3, 9))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + layer(F.leaky_relu(x, 0.1))
        return x


def vocoder(width: int = 64) -> nn.Sequential:
    """HiFi-GAN's generator in small: three times four times as long and half as wide."""
    widths = [width >> number for number in range(4)]
    ups = [
        nn.Sequential(nn.LeakyReLU(0.1), nn.ConvTranspose1d(one, other, 8, 4, 2), Residual(other))
        for one, other in pairwise(widths)
    ]
    last = [nn.LeakyReLU(0.1), nn.Conv1d(widths[-1], 1, 7, padding=3), nn.Tanh()]
    return nn.Sequential(nn.Conv1d(MELS, width, 7, padding=3), *ups, *last)


def train(sounds: Sounds, steps: int, *, critics: bool, batch_size: int = 8) -> nn.Sequential:
    torch.manual_seed(0)
    model = vocoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.8, 0.99))
    narrow = {"period": {"name": "period", "ndf": 2}, "scale": {"name": "scale", "ndf": 8}}
    faster = {"name": "adamw", "lr": 1e-3, "betas": [0.8, 0.99], "weight_decay": 0.01}
    adversary = ganzoo.adversary("hifigan", shape=(1, LENGTH), discriminators=narrow, optimizer=faster)
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        x = sounds(batch_size, random)
        y = model(mel(x))
        loss = 45 * F.l1_loss(mel(y), mel(x))
        if critics:
            adversary.update(fake=y, real=x)
            loss = loss + adversary.generator_loss(y, real=x).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("notes", "speech"), default="notes")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=Path("vocoder.png"))
    given = parser.parse_args()
    seen, new = (notes, notes) if given.data == "notes" else (speech(held_out=False), speech(held_out=True))
    x = new(64, torch.Generator().manual_seed(1))
    rows = [x]
    for critics in (False, True):
        model = train(seen, given.steps, critics=critics)
        with torch.inference_mode():
            rows.append(model(mel(x)))
        error = F.l1_loss(mel(rows[-1]), mel(x))
        other = F.l1_loss(spectrum(rows[-1], 512, 128).log(), spectrum(x, 512, 128).log())
        print(f"critics {critics!s:5}  log-mel {error:.4f}  log-spectrum {other:.4f}", flush=True)
    shown = torch.cat([spectrum(row[:4], 512, 16).log().flip(1).unsqueeze(1) for row in rows])
    grays = (shown / 4).clamp(-1, 1)  # breath is at e⁻¹, tones at e³
    names = ("real", "without", "hifigan")
    pictures.save(pictures.grid(sampling.to_uint8(grays), columns=4, names=names), given.out)


if __name__ == "__main__":
    main()
