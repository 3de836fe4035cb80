"""Frozen networks that critics look through, by the names of the extractors that they are part of."""

from __future__ import annotations

import copy
import math
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from ganzoo_blocks.image_shape import image_shape
from ganzoo_blocks.lite0_network import Lite0, load
from ganzoo_blocks.lite0_weights import lite0_weights
from ganzoo_blocks.orthogonal_kernels import orthogonal_kernels
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec

LITE0 = "efficientnet-lite0"
LITE0_SIDE = 224
"""Pixels a side that EfficientNet-Lite0 was trained at."""
LITE0_LEVELS = (0, 3, 5, 11, 16)
"""Blocks before which its levels begin, and the last of which ends: stages 1 and 2, 3, 4 and 5, 6 and 7."""
RANDOM_WIDTH = 64


class Lite0Maps(nn.Module):
    """Four maps of EfficientNet-Lite0: 24, 40, 112 and 320 channels at a 4th, an 8th, a 16th and a 32nd of the side.

    ``images`` (N, 3, H, W) in [-1, 1] become (127.5·(x + 1) − 127) / 128, which is how its authors scale bytes.
    """

    def __init__(self) -> None:
        super().__init__()
        network = copy.deepcopy(_lite0())
        self.stem = network.stem
        self.levels = nn.ModuleList(network.blocks[first:last] for first, last in pairwise(LITE0_LEVELS))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The four maps, finest first."""
        found = F.relu6(self.stem((127.5 * (images + 1) - 127) / 128))
        maps = []
        for level in self.levels:
            found = level(found)
            maps.append(found)
        return tuple(maps)


class RandomMaps(nn.Module):
    """Three maps of ``random-conv``: 64, 128 and 256 channels at the side, a half and a quarter of it."""

    def __init__(self) -> None:
        super().__init__()
        for layer, kernel in enumerate(orthogonal_kernels(RANDOM_WIDTH, seed=0)):
            self.register_buffer(f"kernel{layer}", kernel)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The three maps, finest first."""
        maps = []
        for layer, kernel in enumerate(self.buffers()):
            images = F.relu(F.conv2d(images, kernel, stride=2 if layer else 1, padding=1))
            maps.append(images)
        return tuple(maps)


class Resized(nn.Module):
    """A network behind a resize: gray repeated to three channels, both sides bilinearly brought to ``side`` pixels.

    Pictures that are larger than that are antialiased. ``None`` leaves them as they are.
    """

    def __init__(self, network: nn.Module, side: int | None) -> None:
        super().__init__()
        self.network, self.side = network, side

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """What the network sees in ``images`` (N, 1 or 3, H, W)."""
        images = images.expand(-1, 3, -1, -1)
        if self.side is not None and tuple(images.shape[2:]) != (self.side, self.side):
            reducing = max(images.shape[2:]) > self.side
            images = F.interpolate(images, size=(self.side, self.side), mode="bilinear", antialias=reducing)
        found: tuple[Tensor, ...] = self.network(images)
        return found


BACKBONES = {LITE0: Lite0Maps, "random-conv": RandomMaps}
"""Extractor → the module that shows its maps."""
FINEST = {LITE0: (19, 4), "random-conv": (3, 1)}
"""Extractor → pixels a side that a position of its first map depends on, and pixels from one to the next."""


def finest_field(extractor: str, spec: DataSpec, *, kernel: int, resize: int | None) -> tuple[int, ...] | None:
    """Sides in pixels of what a logit sees behind a convolution of the first map; ``None`` is the whole image.

    Where pictures are resized it is at most that, for it differs by a pixel from place to place.
    """
    field, step = FINEST[extractor]
    field += (kernel - 1) * step
    sides = spec.shape[1:]
    fields = [
        field if resize is None or resize == side else math.ceil((field - 1) * side / resize) + 2 for side in sides
    ]
    return None if all(field >= side for field, side in zip(fields, sides, strict=True)) else tuple(fields)


def usual_side(extractor: str, spec: DataSpec) -> int | None:
    """To what pictures are resized unless something else is asked for: only those that are small for their extractor.

    Raises:
        ConfigError: if the data are no images.
    """
    small = min(spec.shape[1:], default=0) < LITE0_SIDE
    return LITE0_SIDE if extractor == LITE0 and small else None


def backbone(extractor: str, spec: DataSpec, *, resize: int | None, of: str) -> nn.Module:
    """The frozen network of an extractor; ``of`` is the name of the discriminator that asks.

    Raises:
        ConfigError: there is no such extractor for critics, or the data are not images of one channel or three.
        DataError: its weights are not installed.
    """
    if extractor not in BACKBONES:
        raise ConfigError(
            f"discriminator {of} knows no extractor of this name",
            given=extractor,
            allowed=", ".join(BACKBONES),
            hint="--set discriminator.extractor=random-conv",
        )
    channels, _, _ = image_shape(spec, of=f"discriminator {of}")
    if channels not in (1, 3):
        raise ConfigError(
            f"discriminator {of} looks through an extractor that sees gray or colored pictures",
            given=f"{channels} channels",
            allowed="1 or 3 channels",
            hint="--disc patchgan-sn, or frozen-features on a network of your own",
        )
    return Resized(BACKBONES[extractor](), resize)


@cache
def _lite0() -> Lite0:
    """Read once; critics have copies, since each moves to its own device."""
    with torch.device("cpu"):
        path = lite0_weights(of=f"extractor {LITE0}")
        return load(torch.load(path, weights_only=True, map_location="cpu"))
