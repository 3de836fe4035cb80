"""Diversity of generated pictures by their structural similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo_metrics.demands import pictures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ganzoo.protocols import Features

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SIDE, SIGMA = 11, 1.5
LEVELS = (0.01 * 255) ** 2, (0.03 * 255) ** 2
PIXELS = 2**22
"""Pairs are compared some at a time, so that about as many numbers are in each picture's part."""


class MsSsim(Options):
    """Mean structural similarity of random pairs of generated pictures over several scales: low where they differ.

    Formula:
        ms_ssim = E_pairs l_M(x, y)^w_M · Π_{j<M} cs_j(x, y)^w_j

    of uint8 pictures (N, C, H, W); cs and l·cs are SSIM's terms with an 11×11 Gaussian window (σ 1.5, K 0.01 and 0.03),
    means over positions and channels, clipped at 0; scale j+1 is scale j averaged over 2×2. There are five scales from
    176 pixels on; smaller pictures have as many as keep a side of 11, with the first weights, rescaled to sum to 1, so
    values of different sizes cannot be compared. Pairs are of any classes. The value is between 0 and 1.

    Noise is diverse too, so a low value alone says nothing: compare it with real data. Well above them, samples are too
    much alike.

    Where implementations differ: torchmetrics refuses pictures of less than 161 pixels, and mirrors them at their edges
    where a side is less than 11. The authors of AC-GAN take pairs within a class.

    Raises:
        ConfigError: vectors, pictures below 11 pixels, or no two samples.

    Source: Odena et al. 2017, arXiv:1610.09585, section 4.2; Wang et al. 2003.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"images"})
    higher_is_better: ClassVar[bool] = False
    fewest_samples: ClassVar[int] = 2
    better: ClassVar[Mapping[str, str | None]] = {"ms_ssim": None}

    samples: int = Field(
        default=1000, ge=2, le=10_000_000, description="number of generated samples that pairs are drawn from"
    )
    pairs: int = Field(default=500, ge=1, le=10_000_000, description="number of pairs")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``ms_ssim``; pairs are drawn from ``random``."""
        images = pictures("ms-ssim", fake, least=self.fewest_samples)
        if min(images.shape[2:]) < SIDE:
            raise ConfigError(
                "metric ms-ssim needs pictures of at least 11 pixels",
                given=tuple(images.shape[2:]),
                allowed=f"at least {SIDE}×{SIDE}",
                hint="--metric sliced-wasserstein",
            )
        one, other = _pairs(len(images), self.pairs, random)
        size = max(1, PIXELS // images[0].numel())
        parts = zip(torch.split(one, size), torch.split(other, size), strict=True)
        return {"ms_ssim": float(torch.cat([ms_ssim(images[i].double(), images[j].double()) for i, j in parts]).mean())}


def _pairs(count: int, pairs: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Places of both members of each pair, never the same."""
    first = torch.randint(count, (pairs,), generator=random)
    return first, (first + torch.randint(1, count, (pairs,), generator=random)) % count


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """(N,) similarities of pictures (N, C, H, W) of 0 to 255."""
    scales = 1
    while scales < len(WEIGHTS) and min(x.shape[2:]) // 2**scales >= SIDE:
        scales += 1
    weights = torch.tensor(WEIGHTS[:scales], dtype=x.dtype) / sum(WEIGHTS[:scales])
    value = torch.ones(len(x), dtype=x.dtype)
    for scale in range(scales):
        whole, contrast = _ssim(x, y)
        value = value * (whole if scale == scales - 1 else contrast).clamp(min=0) ** weights[scale]
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return value


def _ssim(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean SSIM and mean contrast term of each pair."""
    down, across = _window(x.shape[2], x.dtype), _window(x.shape[3], x.dtype).T

    def smooth(image: Tensor) -> Tensor:
        return down @ image @ across

    of_x, of_y = smooth(x), smooth(y)
    xx, yy, xy = smooth(x * x) - of_x**2, smooth(y * y) - of_y**2, smooth(x * y) - of_x * of_y
    contrast = (2 * xy + LEVELS[1]) / (xx + yy + LEVELS[1])
    whole = contrast * (2 * of_x * of_y + LEVELS[0]) / (of_x**2 + of_y**2 + LEVELS[0])
    return whole.mean((1, 2, 3)), contrast.mean((1, 2, 3))


def _window(side: int, dtype: torch.dtype) -> Tensor:
    """(side − 10, side): a Gaussian at each place. Products are five times as fast as convolutions in float64."""
    offsets = torch.arange(SIDE, dtype=dtype) - SIDE // 2
    line = torch.exp(-offsets.square() / (2 * SIGMA**2))
    line = line / line.sum()
    return torch.stack([F.pad(line, (place, side - SIDE - place)) for place in range(side - SIDE + 1)])
