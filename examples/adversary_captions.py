"""Pictures from captions such as “two red squares”, in two stages, with critics that see whether the caption fits.

    python examples/adversary_captions.py --steps 1000 --out captions.png      # about 8 minutes of one core

In the manner of StackGAN (Zhang et al. 2017, arXiv:1612.03242): stage one makes 16×16 pixels of noise and the caption,
stage two makes 32×32 of those and the caption. Each stage has a critic that is matching-aware (Reed et al. 2016,
arXiv:1605.05396, GAN-CLS): real pictures with a neighbor's caption count as fakes, ``mismatch=True``. The text encoder
is a mean of learned word vectors, nn.EmbeddingBag. StackGAN trains one stage after the other, with a text encoder that
is trained before and noise on its output; here all is trained together. There are 36 captions, all of them seen in
training, so this shows how the parts go together and nothing about language.

A judge that was trained on real pictures prints how often number, color and shape are those of the caption: in real
pictures, in these with captions shuffled, and in samples of a training without and one with mismatch. Writes a row of
real pictures of twelve captions, and what both stages make of these captions.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import torch
from captioned import CAPTIONS, WORDS, drawn, fits, judge, tokens
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.evaluation import pictures, sampling

NOISE, TEXT = 16, 32


class Painter(nn.Module):
    """Both stages and the text encoder they share."""

    def __init__(self) -> None:
        super().__init__()
        self.text = nn.EmbeddingBag(len(WORDS), TEXT, mode="mean")
        start = (nn.Linear(NOISE + TEXT, 64 * 16), nn.Unflatten(1, (64, 4, 4)))
        self.first = nn.Sequential(*start, *up(64, 48), *up(48, 32), nn.Conv2d(32, 3, 3, padding=1), nn.Tanh())
        refined = (nn.Conv2d(3 + TEXT, 32, 3, padding=1), nn.SiLU(), *up(32, 24))
        self.second = nn.Sequential(*refined, nn.Conv2d(24, 3, 3, padding=1), nn.Tanh())

    def forward(self, noise: Tensor, captions: Tensor) -> dict[int, Tensor]:
        """A picture of each stage, by its side."""
        code = self.text(tokens(captions))
        small = self.first(torch.cat([noise, code], 1))
        everywhere = code[:, :, None, None].expand(-1, -1, 16, 16)
        return {16: small, 32: self.second(torch.cat([small, everywhere], 1))}


def up(before: int, after: int) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(4, after), nn.SiLU()]


def planes(captions: Tensor, side: int) -> Tensor:
    """What critics see of a caption: a plane for each word, 1 where it occurs. Their first weights embed it."""
    found = torch.zeros(len(captions), len(WORDS)).scatter_(1, tokens(captions), 1.0)
    return found[:, :, None, None].expand(-1, -1, side, side)


def critic(side: int, *, mismatch: bool) -> ganzoo.Adversary:
    spec = ganzoo.protocols.DataSpec(shape=(3 + len(WORDS), side, side))
    return ganzoo.Adversary(
        ganzoo.build("discriminator", "dcgan", spec=spec, ndf=32, norm="spectral"),
        loss="hinge",
        mismatch=mismatch,
        optimizer=partial(torch.optim.Adam, lr=1e-3, betas=(0.0, 0.9)),
    )


def train(steps: int, *, mismatch: bool, batch_size: int = 32) -> Painter:
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    painter, critics = Painter(), {side: critic(side, mismatch=mismatch) for side in (16, 32)}
    optimizer = torch.optim.Adam(painter.parameters(), lr=1e-3, betas=(0.0, 0.9))
    for _ in range(steps):
        captions = torch.randint(len(CAPTIONS), (batch_size,), generator=random)
        large = drawn(captions, random)
        real = {16: F.avg_pool2d(large, 2), 32: large}
        fake = painter(torch.randn(batch_size, NOISE, generator=random), captions)
        shown = {side: planes(captions, side) for side in critics}
        loss = sum(one.generator_loss(fake[side], condition=shown[side]).total for side, one in critics.items())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for side, one in critics.items():
            one.update(fake=fake[side], real=real[side], condition=shown[side])
    return painter.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("captions.png"))
    given = parser.parse_args()
    seen, random = judge(), torch.Generator().manual_seed(1)
    captions = torch.arange(len(CAPTIONS)).repeat(8)
    noise, real = torch.randn(len(captions), NOISE, generator=random), drawn(captions, random)
    rows = {"real": (real, captions), "shuffled": (real, captions[torch.randperm(len(captions), generator=random)])}
    for mismatch in (False, True):
        painter = train(given.steps, mismatch=mismatch)
        with torch.inference_mode():
            made = painter(noise, captions)
        rows["mismatch" if mismatch else "without"] = made[32], captions
    for name, (images, meant) in rows.items():
        number, color, shape = fits(seen, images, meant)
        print(f"{name:8}  number {number:.3f}  color {color:.3f}  shape {shape:.3f}", flush=True)
    chosen = torch.tensor([0, 4, 8, 9, 13, 17, 21, 22, 26, 30, 31, 35])
    print(", ".join(CAPTIONS[one] for one in chosen.tolist()))
    shown = torch.cat([real[chosen], F.interpolate(made[16][chosen], scale_factor=2), made[32][chosen]])
    names = ("real", "stage one", "stage two")
    pictures.save(pictures.grid(sampling.to_uint8(shown), columns=12, names=names), given.out)


if __name__ == "__main__":
    main()
