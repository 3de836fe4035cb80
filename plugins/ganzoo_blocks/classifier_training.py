"""How a picture classifier is trained: a fixed number of updates, every class equally often, all draws by seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ganzoo.seeds import generator_for, seeded
from ganzoo_blocks.picture_classifier import PictureClassifier, prepared, reduced_shape

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 32
CHUNK = 256
"""So many pictures are reduced, or looked at, at once."""
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05
WARM_UP = 0.1
"""Share of the updates in which the learning rate rises."""
EPOCHS, LEAST, MOST = 8, 150, 1500
"""Updates for which the pictures are seen so many times, but at least and at most so many."""


@dataclass(frozen=True, kw_only=True)
class LabeledPictures:
    """Pictures and their classes.

    Attributes:
        pixels: uint8 (N, C, h, w), reduced.
        labels: (N,) int64.
    """

    pixels: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: Tensor, labels: Tensor) -> LabeledPictures:
        """From uint8 (N, C, H, W) of any size; reduced chunk by chunk."""
        shape = reduced_shape(images.shape[1:])
        parts = [prepared(part, shape).round().to(torch.uint8) for part in torch.split(images, CHUNK)]
        return cls(pixels=torch.cat(parts), labels=labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __add__(self, other: LabeledPictures) -> LabeledPictures:
        return LabeledPictures(
            pixels=torch.cat([self.pixels, other.pixels]), labels=torch.cat([self.labels, other.labels])
        )


@dataclass(frozen=True, kw_only=True)
class Variation:
    """Classic augmentation: what happens to each picture anew whenever it is seen in training.

    Attributes:
        hflip: whether it is mirrored left to right, with probability ½.
        shift: it is moved by up to this share of its sides, in both directions, uniformly.
        rotate: it is turned by up to so many degrees, either way, uniformly.
    """

    hflip: bool = False
    shift: float = 0.0
    rotate: float = 0.0

    def __call__(self, pixels: Tensor, *, random: torch.Generator) -> Tensor:
        """Varied pixels, float32 (N, C, h, w), by bilinear interpolation; the border is continued outward."""
        if not (self.hflip or self.shift or self.rotate):
            return pixels.float()
        flip, angle, right, down = (torch.rand(4, len(pixels), generator=random) * 2 - 1).to(pixels.device)
        sign = torch.where((flip < 0) & self.hflip, -1.0, 1.0)
        cosine, sine = (angle * math.radians(self.rotate)).cos(), (angle * math.radians(self.rotate)).sin()
        ratio = pixels.shape[-2] / pixels.shape[-1]  # of grid units, so that a turn keeps angles
        # A side is 2 units of the grid.
        theta = torch.stack(
            [
                torch.stack([sign * cosine, -sign * sine * ratio, 2 * self.shift * right], dim=1),
                torch.stack([sine / ratio, cosine, 2 * self.shift * down], dim=1),
            ],
            dim=1,
        )
        grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)
        return F.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False)


def updates_for(count: int) -> int:
    """The usual number of updates for so many pictures: 8 passes over them, at least 150 and at most 1,500."""
    return min(max(math.ceil(EPOCHS * count / BATCH), LEAST), MOST)


def fitted(
    pictures: LabeledPictures,
    classes: int,
    *,
    seed: int,
    updates: int,
    variation: Variation | None = None,
    device: torch.device | None = None,
) -> PictureClassifier:
    """A classifier, trained and ready to look at pictures.

    AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) on the cross entropy. Every class that occurs is equally likely
    at every place of a batch, so that a rare one counts as much as a frequent one. The learning rate rises in a line
    and falls along half a cosine to 0. On one machine the same pictures, seed and options give the same weights; the
    global random numbers are neither used nor changed. Pictures in another order give other weights.

    Args:
        pictures: at least one.
        classes: how many logits there are; some of the classes may not occur.
        seed: of weights, batches and variation.
        updates: steps of the optimizer.
        variation: classic augmentation.
        device: where it is trained, the CPU unless given.
    """
    device = device or torch.device("cpu")
    with seeded(seed, "classifier", "weights"):
        network = PictureClassifier(pictures.pixels.shape[1:], classes)
    _standardize(network, pictures.pixels)
    network.to(device)
    pixels, labels = pictures.pixels.to(device), pictures.labels.to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    random = generator_for(seed, "classifier", "batches")
    vary = variation or Variation()
    for number, index in enumerate(_balanced(pictures.labels, updates, random=random)):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * _rate(number / updates)
        rows = index.to(device)
        optimizer.zero_grad()
        F.cross_entropy(network(vary(pixels[rows], random=random)), labels[rows]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


@torch.no_grad()
def predicted(network: PictureClassifier, pictures: LabeledPictures) -> Tensor:
    """The likeliest class of each picture, (N,), on the CPU."""
    device = network.mean.device
    return torch.cat([network(part.to(device)).argmax(1).cpu() for part in torch.split(pictures.pixels, CHUNK)])


def _standardize(network: PictureClassifier, pixels: Tensor) -> None:
    """Set mean and standard deviation of each channel; of flat pictures the latter is 1."""
    sums = [
        (part.double().sum((0, 2, 3)), part.double().square().sum((0, 2, 3))) for part in torch.split(pixels, CHUNK)
    ]
    count = pixels.shape[0] * pixels.shape[2] * pixels.shape[3]
    mean, square = (torch.stack(side).sum(0) / count for side in zip(*sums, strict=True))
    network.mean.copy_(mean[None, :, None, None])
    network.std.copy_((square - mean.square()).clamp(min=0).sqrt().clamp(min=1)[None, :, None, None])


def _rate(share: float) -> float:
    """Factor of the learning rate after this share of the updates."""
    if share < WARM_UP:
        return (share + 0.01) / (WARM_UP + 0.01)
    return 0.5 + 0.5 * math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))


def _balanced(labels: Tensor, batches: int, *, random: torch.Generator) -> Iterator[Tensor]:
    """Batches of positions: a class first, each equally likely, then one of its pictures."""
    order = labels.argsort(stable=True)
    counts = torch.bincount(labels)
    starts = counts.cumsum(0) - counts
    occurring = counts.nonzero().flatten()
    for _ in range(batches):
        which, where = torch.rand(2, BATCH, generator=random, dtype=torch.float64)
        chosen = occurring[(which * len(occurring)).long()]
        yield order[starts[chosen] + (where * counts[chosen]).long()]
