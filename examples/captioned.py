"""Pictures with captions such as “two red squares”, and a judge of them: what `adversary_captions.py` learns from."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NUMBERS, COLORS, SHAPES = ("one", "two", "three"), ("red", "green", "blue", "yellow"), ("disc", "square", "triangle")
ATTRIBUTES = torch.tensor(list(product(range(3), range(4), range(3))))
CAPTIONS = [f"{NUMBERS[n]} {COLORS[c]} {SHAPES[s]}{'s' if n else ''}" for n, c, s in ATTRIBUTES.tolist()]
WORDS = sorted({word for caption in CAPTIONS for word in caption.split()})
RGB = torch.tensor([[1.0, 0.2, 0.2], [0.2, 0.9, 0.2], [0.3, 0.4, 1.0], [1.0, 0.9, 0.1]])
PLACES = torch.tensor([[0.25, 0.3], [0.75, 0.35], [0.45, 0.75]])
"""Of the first, second and third thing, in units of the side; each moves by up to 0.06."""


def tokens(captions: Tensor) -> Tensor:
    """(N,) numbers of captions → (N, 3) numbers of words."""
    return torch.tensor([[WORDS.index(word) for word in CAPTIONS[one].split()] for one in captions.tolist()])


def drawn(captions: Tensor, random: torch.Generator, side: int = 32) -> Tensor:
    """Pictures (N, 3, side, side) in [-1, 1], on black."""
    axis = (torch.arange(side) + 0.5) / side
    images = []
    for number, color, shape in ATTRIBUTES[captions].tolist():
        mask = torch.zeros(side, side)
        for across, down in PLACES[: number + 1] + 0.12 * (torch.rand(number + 1, 2, generator=random) - 0.5):
            y, x = torch.meshgrid(axis - down, axis - across, indexing="ij")
            mask = torch.maximum(mask, (8 * (1 - _distance(shape, y, x))).clamp(0, 1))
        images.append(mask * RGB[color][:, None, None])
    return torch.stack(images) * 2 - 1


def _distance(shape: int, y: Tensor, x: Tensor) -> Tensor:
    """Below 1 within a disc, a square, or a triangle that points up; their areas are 0.053, 0.053 and 0.036."""
    if shape == 0:
        return (x * x + y * y) / 0.13**2
    return torch.maximum(x.abs(), y.abs()) / 0.115 if shape == 1 else torch.maximum(y / 0.12, (2 * x.abs() - y) / 0.15)


def judge(steps: int = 300) -> nn.Sequential:
    """Logits (N, 10) of three numbers, four colors and three shapes, learned from pictures with their own captions."""
    torch.manual_seed(2)
    random = torch.Generator().manual_seed(2)
    widths = [(3, 16), (16, 32), (32, 64)]
    layers = [nn.Sequential(nn.Conv2d(one, two, 3, 2, 1), nn.BatchNorm2d(two), nn.ReLU()) for one, two in widths]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(steps):
        captions = torch.randint(len(CAPTIONS), (32,), generator=random)
        images = drawn(captions, random)
        # What a generator makes has noise and blur as well, which are no reason to see another number.
        logits = model(images + 0.1 * torch.randn(images.shape, generator=random)).split([3, 4, 3], 1)
        loss = sum(F.cross_entropy(one, meant) for one, meant in zip(logits, ATTRIBUTES[captions].T, strict=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@torch.no_grad()
def fits(model: nn.Module, images: Tensor, captions: Tensor) -> list[float]:
    """The shares of pictures in which the judge sees the caption's number, color and shape."""
    seen = torch.stack([one.argmax(1) for one in model(images).split([3, 4, 3], 1)], 1)
    shares: list[float] = (seen == ATTRIBUTES[captions]).float().mean(0).tolist()
    return shares
