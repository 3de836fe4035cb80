"""Colored blobs: images whose modes are known exactly, of any size."""

from __future__ import annotations

import colorsys
import hashlib
import math
from typing import TYPE_CHECKING, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ganzoo.component import DatasetOptions
from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import DataSpec
from ganzoo.seeds import generator_for
from ganzoo_datasets.image_array import fingerprint, frequencies

if TYPE_CHECKING:
    from pathlib import Path

    from ganzoo.protocols import Dataset

SPLITS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}
RING = 0.28
JITTER = 0.04
RADII = (0.18, 0.26)
BRIGHTNESS = (0.8, 1.0)


class Synthetic(DatasetOptions):
    """One soft blob an image, on black; a mode is a place on a ring and a hue, and the label is the mode.

    A pixel at distance d of the blob's center, in units of the side, has the color b · relu(1 − d²/R²)² · hue. The
    center is the mode's ± 0.04 along each axis, R in [0.18, 0.26], b in [0.8, 1], all uniform. With one channel
    the hue is white, and modes differ by place alone.

    ``modes`` of the dataset: (K, 5), rows (x, y, red, green, blue) with x, y, the center, in (0, 1) of the side and
    the hue in [0, 1]. Classes are as frequent as ``n`` allows. Splits: ``train`` and ``test``, ``n`` images each, of
    other draws; ``all`` is both. Images are computed when read, from n · 4 numbers, with the basic operations that
    IEEE 754 rounds exactly, so that they are the same on every machine.
    """

    kinds: int = Field(default=8, ge=2, le=64, alias="modes", description="how many modes")
    n: int = Field(default=4096, ge=2, description="images per split")
    seed: int = Field(default=0, ge=0, description="of the draws; not the seed of the run")
