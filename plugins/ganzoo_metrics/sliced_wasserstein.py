"""The sliced Wasserstein distance between patches of pictures, scale by scale."""

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

PATCH = 7
TOGETHER = 16
"""Directions along which patches are sorted at once."""
SMALLEST = 16
"""Side of the coarsest scale."""
FAR, MUCH = 0.25, 1.5
"""Means of pixels so many standard deviations apart, or spreads of such a ratio, are worth a warning."""


class SlicedWasserstein(Options):
    """Sliced Wasserstein distance between 7×7 patches of real and generated pictures, mean over scales of a pyramid.

    Formula:
        swd = 10³ · mean_s mean_θ mean_i |⟨θ, p_s⟩_(i) − ⟨θ, q_s⟩_(i)|

    p_s and q_s are patches of Laplacian pyramids of real and generated pictures at scale s, normalized channel by
    channel over each set to mean 0 and variance 1; θ are random unit vectors and (i) sorts. As many real as generated
    pictures are used, and ``patches`` of each at random places. The coarsest scale has a side of at least 16 (or is the
    picture). It is at least 0; equal distributions have what stands as the floor. It needs no extractor and sees
    textures, but no objects; and since each set is normalized by itself, it does not see that all samples are too
    bright or too pale.

    Where implementations differ: the authors' code reports each scale; its pyramid is smoothed by a 5×5 Gaussian, here
    it is the mean of 2×2 pixels, enlarged bilinearly; it draws places anew for each picture, here they are the same for
    all. It normalizes both sets apart, as here.

    Raises:
        ConfigError: vectors, pictures below 7 pixels or of different sizes, or no samples.

    Source: Karras et al. 2018, arXiv:1710.10196, section 5.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"images"})
    higher_is_better: ClassVar[bool] = False
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {"swd": (0, None)}

    samples: int = Field(default=1000, ge=2, le=10_000_000, description="number of generated samples")
    patches: int = Field(default=64, ge=1, le=100_000, description="patches per picture and scale")
    directions: int = Field(default=256, ge=1, le=100_000, description="random directions")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``swd``; places and directions are drawn from ``random``."""
        sides = [pictures("sliced-wasserstein", side, least=1) for side in (real, fake)]
        self._check(*sides)
        count = min(map(len, sides))
        pyramids = [_pyramid(images[:count].float()) for images in sides]
        distances = []
        for levels in zip(*pyramids, strict=True):
            directions = torch.randn(levels[0].shape[1] * PATCH**2, self.directions, generator=random)
            directions = directions / directions.norm(dim=0)
            seed = int(torch.randint(2**62, (), generator=random))
            # The same places in both sets: where sets are equal, so are the patches.
            one, other = (_patches(level, self.patches, torch.Generator().manual_seed(seed)) for level in levels)
            distances.append(_apart(one, other, directions))
        return {"swd": 1e3 * float(torch.stack(distances).mean())}

    def warnings(self, *, real: Features, fake: Features) -> list[str]:
        """That brightness or contrast differ, which the number does not see."""
        sides = [side.images for side in (real, fake) if side.images is not None and side.images.ndim == 4]
        if len(sides) < 2 or not all(map(len, sides)):
            return []
        (spread, mean), (other_spread, other_mean) = (torch.std_mean(one[:1000].float(), correction=0) for one in sides)
        apart = (mean - other_mean).abs() / spread.clamp(min=1)
        ratio = (other_spread / spread.clamp(min=1)).clamp(min=1e-6)
        if apart < FAR and 1 / MUCH < ratio < MUCH:
            return []
        return [
            f"real pictures have a mean of {mean:.0f} ± {spread:.0f} of 255 and samples {other_mean:.0f} ± "
            f"{other_spread:.0f}: swd does not see that"
        ]

    def _check(self, real: Tensor, fake: Tensor) -> None:
        if real.shape[1:] != fake.shape[1:]:
            raise ConfigError(
                "metric sliced-wasserstein needs real and generated pictures of the same size and channels",
                given=f"{tuple(real.shape[1:])} and {tuple(fake.shape[1:])}",
                allowed="equal (C, H, W)",
                hint="--metric kernel-distance",
            )
        if min(real.shape[2:]) < PATCH:
            raise ConfigError(
                f"metric sliced-wasserstein needs pictures of at least {PATCH} pixels",
                given=tuple(real.shape[2:]),
                allowed=f"at least {PATCH}×{PATCH}",
                hint="--metric kernel-distance",
            )


def _pyramid(images: Tensor) -> list[Tensor]:
    """Laplacian levels, the finest first; the last is what is left."""
    levels = []
    while min(images.shape[2:]) >= 2 * SMALLEST:
        smaller = F.avg_pool2d(images, 2)
        levels.append(images - F.interpolate(smaller, size=images.shape[2:], mode="bilinear", align_corners=False))
        images = smaller
    return [*levels, images]


def _patches(level: Tensor, patches: int, random: torch.Generator) -> Tensor:
    """Normalized patches as rows."""
    found = level.unfold(2, PATCH, 1).unfold(3, PATCH, 1).permute(0, 2, 3, 1, 4, 5)
    high, wide = found.shape[1:3]
    rows = torch.randint(high, (patches,), generator=random)
    columns = torch.randint(wide, (patches,), generator=random)
    chosen = found[:, rows, columns].reshape(-1, level.shape[1], PATCH**2)
    spread, mean = torch.std_mean(chosen, dim=(0, 2), correction=0, keepdim=True)
    return ((chosen - mean) / spread.clamp(min=1e-8)).flatten(1)


def _apart(one: Tensor, other: Tensor, directions: Tensor) -> Tensor:
    """The mean distance of sorted projections: some directions after others, since all at once take much room."""
    distances = []
    for some in torch.split(directions, TOGETHER, dim=1):
        lines = [(some.T @ side.T).sort(dim=1).values for side in (one, other)]
        distances.append((lines[0] - lines[1]).abs_().mean(1))
    return torch.cat(distances).mean()
