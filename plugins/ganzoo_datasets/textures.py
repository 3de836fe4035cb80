"""Crops of three photographs of surfaces that come with scikit-image."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from torch import Tensor

from ganzoo.component import DatasetOptions
from ganzoo.errors import ConfigError, DataError, PluginError
from ganzoo.protocols import DataSpec
from ganzoo.seeds import generator_for
from ganzoo_datasets.image_array import fingerprint, frequencies

if TYPE_CHECKING:
    from pathlib import Path

    from ganzoo.protocols import Dataset

CLASSES = ("brick", "grass", "gravel")
SIDE = 512
COLUMNS = {"train": (0, 320), "test": (320, SIDE)}
"""The columns of the photographs that each split is cut from."""
WIDEST = SIDE - 320
SPLITS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}


class Textures(DatasetOptions):
    """Brick, grass and gravel: gray crops of three photographs of 512×512 pixels, one class each.

    A photograph is reduced by the mean over blocks of ``shrink``², and squares are cut from it at uniformly drawn
    positions, without rotation or mirroring, because the light comes from one side. Default size 32, up to 192; 1
    channel, or 3 equal ones. Crop i has class i mod 3, and is a function of ``seed`` and i.

    Splits: ``train`` is cut from the left 320 columns and ``test`` from the right 192, so they share no pixel; each has
    ``n`` crops; ``all`` is both. Crops of a split overlap: the photographs hold far fewer independent ones than ``n``.

    This dataset needs scikit-image, whose wheel holds the photographs; nothing is downloaded.

    Source: scikit-image 0.16 and later, ``skimage.data``. Brick and gravel are CC0Textures' (now ambientCG) Bricks25
    and Gravel04, grass is DeviantArt's Grass-01 by linolafett; all three CC0.
    """

    n: int = Field(default=4096, ge=3, le=100_000_000, description="crops per split")
    shrink: int | None = Field(
        default=None,
        ge=1,
        le=8,
        description="factor by which the photographs are reduced; null = 2 up to size 96, else 1",
    )
    seed: int = Field(default=0, ge=0, description="seed of the positions of the crops; not the seed of the run")

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Draw the positions of one split.

        Raises:
            DataError: there is no such split.
            ConfigError: crops wider than a split's region, or channels other than 1 and 3.
            PluginError: scikit-image, or a photograph of it, is not installed.
        """
        if split not in SPLITS:
            raise DataError(
                f"dataset textures has no split {split!r}",
                given=split,
                allowed=", ".join(SPLITS),
                hint="--set data.split=train",
            )
        size, channels = image_size or 32, channels or 1
        shrink = self.shrink or (2 if 2 * size <= WIDEST else 1)
        if not 1 <= size <= WIDEST // shrink or channels not in (1, 3):
            raise ConfigError(
                "dataset textures cannot be cut with this size, shrink or number of channels",
                given=f"image_size {size}, shrink {shrink}, channels {channels}",
                allowed=f"image_size up to {WIDEST // shrink} at this shrink, {WIDEST} at shrink 1; channels 1 or 3",
                hint="--image-size 64 --set data.shrink=null --set data.channels=1",
            )
        photographs = np.stack([_reduced(_photograph(name), shrink) for name in CLASSES])
        labels = torch.arange(self.n).remainder(len(CLASSES)).repeat(len(SPLITS[split]))
        corners = [_corners(self.n, self.seed, part, size=size, shrink=shrink) for part in SPLITS[split]]
        return Crops(torch.from_numpy(photographs), torch.cat(corners), labels, size=size, channels=channels)


class Crops:
    """The crops of :class:`Textures`, in the shape of :class:`ganzoo.protocols.Dataset`; cut when they are read.

    Args:
        photographs: uint8 (K, H, W), one per class.
        corners: (N, 2) row and column of each crop's upper left pixel.
        labels: (N,) the photograph of each.
    """

    groups: tuple[str, ...] | None = None
    modes: Tensor | None = None

    def __init__(self, photographs: Tensor, corners: Tensor, labels: Tensor, *, size: int, channels: int) -> None:
        self.labels: Tensor | None = labels
        self.spec = DataSpec(shape=(channels, size, size), classes=CLASSES, marginal=frequencies(labels, len(CLASSES)))
        self._photographs, self._corners, self._of = photographs, corners, labels
        digest = hashlib.sha256(b"crops, version 1" + photographs.numpy().tobytes())
        digest.update(corners.numpy().astype("<i8").tobytes())
        self.fingerprint = fingerprint(digest.hexdigest(), self.spec, labels)

    def __len__(self) -> int:
        return len(self._corners)

    def read(self, index: Tensor) -> Tensor:
        """Crops at ``index``, uint8 (N, C, S, S)."""
        channels, size, _ = self.spec.shape
        steps = torch.arange(size)
        rows, columns = (self._corners[index, axis, None] + steps for axis in (0, 1))
        crops = self._photographs[self._of[index, None, None], rows[:, :, None], columns[:, None, :]]
        return crops[:, None].repeat(1, channels, 1, 1)


def _corners(n: int, seed: int, part: str, *, size: int, shrink: int) -> Tensor:
    first, last = COLUMNS[part]
    generator = generator_for(seed, "textures", part)
    # Blocks that hold a column of the other split are left out.
    left, right = -(-first // shrink), last // shrink
    rows = torch.randint(0, SIDE // shrink - size + 1, (n,), generator=generator)
    columns = torch.randint(left, right - size + 1, (n,), generator=generator)
    return torch.stack([rows, columns], 1)


def _photograph(name: str) -> NDArray[np.uint8]:
    """Read from the installed package, not by ``skimage.data``, which would download what is missing."""
    try:
        with (resources.files("skimage") / "data" / f"{name}.png").open("rb") as file, Image.open(file) as image:
            pixels = np.asarray(image.convert("L"))
    except (ImportError, OSError) as error:
        reason = "is not installed" if isinstance(error, ImportError) else f"comes without {name}.png here"
        raise PluginError(
            f"dataset textures needs the photographs of scikit-image, which {reason}",
            hint="python -m pip install 'ganzoo[textures]'",
        ) from error
    if pixels.shape != (SIDE, SIDE):
        raise PluginError(
            f"dataset textures cannot use {name}.png of the installed scikit-image",
            given=f"{pixels.shape[1]}×{pixels.shape[0]}",
            allowed=f"{SIDE}×{SIDE}, as in every version since 0.16",
            hint="python -m pip install --upgrade scikit-image",
        )
    return pixels


def _reduced(pixels: NDArray[np.uint8], shrink: int) -> NDArray[np.uint8]:
    """Means over blocks, rounded; rows and columns that fill no block are left out."""
    count = SIDE // shrink
    blocks = pixels[: count * shrink, : count * shrink].reshape(count, shrink, count, shrink)
    sums = blocks.sum(axis=(1, 3), dtype=np.int64)
    means: NDArray[np.uint8] = ((sums + shrink**2 // 2) // shrink**2).astype(np.uint8)
    return means
