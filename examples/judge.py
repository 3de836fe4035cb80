"""A digit classifier as judge of generated digits: trained on real ones, checked on held-out real ones.

It says how many of the samples look like *some* digit and how evenly the ten digits occur; not how they compare with
the best of today's generators.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.data import cache_folder

CONFIDENT = 0.9
EPOCHS = 20


def real_digits(split: str) -> tuple[Tensor, Tensor]:
    """Images in [-1, 1] and labels, through the same resizing as those a GAN sees."""
    data = ganzoo.build("dataset", "digits").open(image_size=32, channels=1, split=split, cache=cache_folder())
    return scaled(data.read(torch.arange(len(data)))), data.labels


def scaled(pixels: Tensor) -> Tensor:
    """uint8 → [-1, 1]."""
    return pixels.float() / 127.5 - 1


@dataclass(frozen=True)
class Verdict:
    """What the judge says of a set of samples.

    Attributes:
        confident: share of the samples with a confidence above 0.9.
        ratio: that share over the share among held-out real digits.
        shares: of each digit among all samples.
        variety: how much the pixels of samples of one digit differ (standard deviation), over the same among held-out
            real digits: 0 if each digit has one picture only, 1 if they vary as real ones do. Noise counts, too.
    """

    confident: float
    ratio: float
    shares: tuple[float, ...]
    variety: float


class Judge:
    """A small convolutional classifier, trained on the real digits of the train split."""

    def __init__(self, seed: int = 0) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._network = _train(*real_digits("train"))
        images, labels = real_digits("test")
        logits = self._logits(images)
        self.accuracy = float((logits.argmax(1) == labels).float().mean())
        self.confident_on_real = _confident(logits)
        self._spread_of_real = _spread(images, logits.argmax(1))

    def __call__(self, pixels: Tensor) -> Verdict:
        """Judge uint8 samples (N, 1, 32, 32)."""
        images = scaled(pixels)
        logits = self._logits(images)
        confident, found = _confident(logits), logits.argmax(1)
        # In float32 40 of 1,000 are less than 0.04.
        shares = torch.bincount(found, minlength=10).double() / len(logits)
        return Verdict(
            confident=confident,
            ratio=confident / self.confident_on_real,
            shares=tuple(shares.tolist()),
            variety=_spread(images, found) / self._spread_of_real,
        )

    @torch.no_grad()
    def _logits(self, images: Tensor) -> Tensor:
        return torch.cat([self._network(part) for part in images.split(256)])


def _confident(logits: Tensor) -> float:
    return float((logits.softmax(1).amax(1) > CONFIDENT).float().mean())


def _spread(images: Tensor, digits: Tensor) -> float:
    """The standard deviation of pixels among images of one digit: the root of the mean variance over the digits."""
    groups = [images[digits == digit] for digit in range(10)]
    variances = [group.var(0, correction=0).mean() for group in groups if len(group) > 1]
    return float(torch.stack(variances).mean().sqrt())


def _train(images: Tensor, labels: Tensor) -> nn.Module:
    network = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(64 * 16, 64), nn.ReLU(), nn.Linear(64, 10)),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(network(images[rows]), labels[rows]).backward()
            optimizer.step()
    return network.eval()
