"""A critic of crops: small parts of large pictures, long signals and volumes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training.part_critic import PartCritic, demanded


class CropCritic(PartCritic):
    """Judges crops of the data, so that memory and time do not grow with them: ``ganzoo.CropCritic(critic, size=64)``.

    Formula:
        x (N, C, H, W)  →  m crops x[:, :, i:i+s, j:j+t], i uniform in {0, …, H−s}, j in {0, …, W−t}
        logits (N·m, 1, h, w) of the critic  →  (N, 1, m·h, w), one crop's map below the other

    and likewise for (N, C, T) and (N, C, D, H, W); features come back as logits do. A critic that gives one logit a
    sample, (N·m,), gives (N, 1, m) here; class logits are averaged over the crops.

    Positions are drawn anew after each update of the critic, and are the same for all samples of a batch, real and
    fake; see :class:`~ganzoo.training.part_critic.PartCritic`. Crops may overlap, and are nowhere padded: pixels near
    a border are in fewer crops than those in the middle. A condition is cropped with the data that it is concatenated
    to. A penalty on the slope sees all m crops as one sample, whose logit is the mean of theirs.

    Args:
        critic: ganzoo's, built for data of this size, or any module that :class:`ganzoo.Adversary` takes.
        size: of a crop: one number for all axes, or one for each axis behind the channels.
        crops: m, of each sample.
        seed: of the draws.

    Raises:
        ConfigError: an argument is out of range, or the data have other axes, or are smaller than a crop.

    Where implementations differ: Sun et al. choose a part of a volume along one axis, and let the generator make that
    part alone; here the generator makes the whole, and only critics see less.

    Source: parts of volumes for the sake of memory: Sun et al. 2022 (HA-GAN), arXiv:2008.01910.
    """

    def __init__(self, critic: nn.Module, *, size: int | tuple[int, ...], crops: int = 1, seed: int = 0) -> None:
        super().__init__(critic, seed=seed)
        self.size = _sides(size)
        self.crops = demanded("crops", crops)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """The verdict on crops of ``images`` (N, C, …); ``labels`` (N,) go with each crop."""
        size = self._fitting(images)
        parts = [_cropped(images, starts, size) for starts in self._starts(images.shape[2:], size)]
        return self._judged(torch.stack(parts, 1), labels, axis=2)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _starts(self, sides: tuple[int, ...], size: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Where each crop begins along each axis; not compiled, or each update would be compiled anew."""
        random = self._random("crops")
        axes = [
            torch.randint(side - part + 1, (self.crops,), generator=random).tolist()
            for side, part in zip(sides, size, strict=True)
        ]
        return list(zip(*axes, strict=True))

    def _fitting(self, images: Tensor) -> tuple[int, ...]:
        sides = tuple(images.shape[2:])
        size = (self.size,) * len(sides) if isinstance(self.size, int) else self.size
        given = f"size={self.size} for data of shape {tuple(images.shape)}"
        if not sides or len(size) != len(sides):
            raise ConfigError(
                "a crop needs one side for each axis behind the channels",
                given=given,
                allowed=f"one number, or {len(sides)} of them" if sides else "data (N, C, T), (N, C, H, W), …",
                hint="ganzoo.CropCritic(critic, size=16) crops 16 of every axis",
            )
        if any(part > side for part, side in zip(size, sides, strict=True)):
            raise ConfigError(
                "a crop is larger than the data",
                given=given,
                allowed=f"size up to {sides if len(set(sides)) > 1 else sides[0]}",
                hint="pass a smaller size=, and build the critic for it",
            )
        return size

    def _together(self, values: Tensor, axis: int) -> Tensor:
        values = values.movedim(1, axis)
        return values if values.ndim == 3 else values.flatten(axis, axis + 1)


def _sides(given: Any) -> int | tuple[int, ...]:
    if isinstance(given, tuple | list | torch.Size) and given:
        return tuple(demanded("size", side) for side in given)
    return demanded("size", given)


def _cropped(images: Tensor, starts: tuple[int, ...], size: tuple[int, ...]) -> Tensor:
    for axis, (start, side) in enumerate(zip(starts, size, strict=True), start=2):
        images = images.narrow(axis, start, side)
    return images
