"""Differentiable augmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import torch
from ganzoo_blocks.image_shape import image_shape
from pydantic import Field, field_validator

from ganzoo.component import Options
from ganzoo.protocols import Augmentation

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

Transform = Literal["color", "translation", "cutout"]

DRAWS = ("brightness", "saturation", "contrast", "shift_y", "shift_x", "cutout_y", "cutout_x")
"""The columns of the draws, each uniform in [0, 1). All are drawn whatever the policy, so that the draws of one
transform do not depend on which others are chosen."""


class Diffaugment(Options, Augmentation):
    """Color, translation and cutout, applied to everything the discriminator sees, real and fake alike.

    Formula:
        brightness:  x + b,                 b ~ U[−½, ½)
        saturation:  (x − μ_c)·s + μ_c,     s ~ U[0, 2),   μ_c the mean over the channels of each pixel
        contrast:    (x − μ)·c + μ,         c ~ U[½, 1½),  μ the mean over the image
        translation: integers from {−m, …, m}, m = ⌊H/8 + ½⌋ down and ⌊W/8 + ½⌋ across, filled with zeros
        cutout:      zeros on ⌊H/2 + ½⌋ by ⌊W/2 + ½⌋ pixels, center uniform, clipped at the borders

    The transforms are applied in this order; ``color`` is the first three. Images are (N, C, H, W) in [−1, 1] of any
    size; values that leave that range are not clipped, and the zeros are mid-gray. Every image has its own draws, and
    every call draws anew. Gradients flow through to the images, second derivatives too, for penalties. With one channel
    μ_c is the pixel itself, so saturation changes nothing.

    Where implementations differ: the authors apply the transforms in the order in which they are named, and an earlier
    version of their code shifts by at most ⌊H/8⌋; both agree for multiples of 8. Augmenting only real images, or not
    augmenting in the generator's step, is the mistake the paper warns of: the generator then learns the augmentation.

    Raises:
        ConfigError: if the data are vectors.

    Source: Zhao et al. 2020, arXiv:2006.10738, section 3.2.
    """

    policy: tuple[Transform, ...] = Field(
        default=("color", "translation", "cutout"), min_length=1, description="transforms to apply, in the order above"
    )

    @field_validator("policy")
    @classmethod
    def _once_each(cls, policy: tuple[Transform, ...]) -> tuple[Transform, ...]:
        if len(set(policy)) < len(policy):
            raise ValueError("each transform can be named only once")
        return policy

    def tags(self) -> frozenset[str]:
        """Vectors have neither colors nor positions."""
        return frozenset({"needs_images"})

    def build(self, spec: DataSpec) -> Self:
        """Returns itself. Raises ``ConfigError`` if the data are vectors."""
        image_shape(spec, of="augmentation diffaugment")
        return self

    def draw(self, n: int, *, random: torch.Generator) -> Tensor:
        """Uniform numbers, (n, 7)."""
        return torch.rand(n, len(DRAWS), generator=random)

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """The images, each transformed by its row of ``draws``."""
        drawn = dict(zip(DRAWS, draws.to(images, non_blocking=True).unbind(1), strict=True))
        if "color" in self.policy:
            images = colored(images, drawn["brightness"], drawn["saturation"], drawn["contrast"])
        if "translation" in self.policy:
            images = translated(images, drawn["shift_y"], drawn["shift_x"])
        if "cutout" in self.policy:
            images = cut_out(images, drawn["cutout_y"], drawn["cutout_x"])
        return images


def colored(images: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """Brightness, then saturation about each pixel's mean, then contrast about the image's mean; draws in [0, 1)."""
    images = images + _per_image(brightness - 0.5)
    gray = images.mean(1, keepdim=True)
    images = (images - gray) * _per_image(2 * saturation) + gray
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) * _per_image(contrast + 0.5) + mean


def translated(images: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Each image moved by whole pixels, with zeros where it has left; draws in [0, 1)."""
    for axis, draw in ((2, down), (3, across)):
        side = images.shape[axis]
        most = _rounded(side, 8)
        shift = (draw * (2 * most + 1)).long() - most
        source = _positions(images, axis) - shift.view(-1, 1, 1, 1)
        inside = (source >= 0) & (source < side)
        images = images.gather(axis, source.clamp(0, side - 1).expand_as(images)) * inside
    return images


def cut_out(images: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Each image with a rectangle of half its sides set to zero; draws in [0, 1)."""
    kept = torch.zeros((), dtype=torch.bool, device=images.device)
    for axis, draw in ((2, down), (3, across)):
        side = images.shape[axis]
        size = _rounded(side, 2)
        # An even rectangle has its center between pixels, so it has one more possible position.
        center = (draw * (side + 1 - size % 2)).long().view(-1, 1, 1, 1)
        offset = _positions(images, axis) - (center - size // 2)
        kept = kept | (offset < 0) | (offset >= size)
    return images * kept


def _rounded(side: int, parts: int) -> int:
    """⌊side/parts + ½⌋, in integers."""
    return (2 * side + parts) // (2 * parts)


def _positions(images: Tensor, axis: int) -> Tensor:
    """0, 1, … along one axis of the images, of length 1 along the others."""
    shape = [1, 1, 1, 1]
    shape[axis] = images.shape[axis]
    return torch.arange(images.shape[axis], device=images.device).view(shape)


def _per_image(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
