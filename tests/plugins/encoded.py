"""Encoded pictures of a few bytes, for files that hold many."""

from __future__ import annotations

import io

import numpy as np
from ganzoo_datasets.pictures import Pictures
from PIL import Image


def pixels(count: int, size: int = 8, seed: int = 0) -> np.ndarray:
    """(N, H, W, 3), all different."""
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def png(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def load(path, *, split="train", image_size=8, channels=None, cache=None, **options):
    """As a run opens it."""
    return Pictures(path=str(path), **options).open(
        image_size=image_size, channels=channels, split=split, cache=cache or path.parent / "cache"
    )
