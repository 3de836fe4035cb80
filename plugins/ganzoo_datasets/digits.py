"""The handwritten digits that are included in ganzoo."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.component import DatasetOptions
from ganzoo.errors import ConfigError, DataError
from ganzoo_datasets.image_array import ImageArray

if TYPE_CHECKING:
    from ganzoo.protocols import Dataset

SIDE = 8
HIGHEST = 16
SPLITS = ("train", "test", "all")


class Digits(DatasetOptions):
    """Optical Recognition of Handwritten Digits: 1,797 images from 13 writers, in ten classes of about 180.

    Each original is 8×8; its values, 0…16, count the pixels that are on in each 4×4 block of a bitmap. They are scaled
    to 0…255, and the image is enlarged by bicubic interpolation to ``image_size`` (default 32, at least 8); 1 channel,
    or 3 equal ones.

    Splits: ``train`` (1,438) and ``test`` (359), drawn once, 80/20 within each class, and fixed in the file; ``all`` is
    both. The file does not say who wrote which digit, so the splits share writers.

    Source: Alpaydin & Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0.
    """

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Load one split.

        Raises:
            DataError: there is no such split.
            ConfigError: a size below 8 or channels other than 1 and 3.
        """
        size, channels = image_size or 4 * SIDE, channels or 1
        if size < SIDE or channels not in (1, 3):
            raise ConfigError(
                "dataset digits does not come in this size or number of channels",
                given=f"image_size {size}, channels {channels}",
                allowed=f"image_size of at least {SIDE}, channels 1 or 3",
                hint="--image-size 32 --set data.channels=1",
            )
        gray, labels, digest = _enlarged(split, size)
        return ImageArray(
            np.broadcast_to(gray[:, None], (len(gray), channels, size, size)),
            digest=digest,
            classes=[str(digit) for digit in range(10)],
            labels=labels.tolist(),
        )


@lru_cache(maxsize=2)
def _enlarged(split: str, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    """Images (N, size, size) and labels of a split, read-only, and the digest of the images.

    Kept for a training and a test split, for whoever opens the same again and again: a comparison, a matrix.
    """
    counts, labels = _load(split)
    scaled = ((counts.astype(np.int64) * 255 + HIGHEST // 2) // HIGHEST).astype(np.uint8)
    gray = np.stack([_enlarge(image, size) for image in scaled])
    gray.flags.writeable = labels.flags.writeable = False
    return gray, labels, hashlib.sha256(gray.tobytes()).hexdigest()


def _load(split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    if split not in SPLITS:
        raise DataError(
            f"dataset digits has no split {split!r}",
            given=split,
            allowed=", ".join(SPLITS),
            hint="--set data.split=train",
        )
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
        images, labels, train = file["images"], file["labels"], file["train"]
    chosen = {"train": train, "test": ~train, "all": np.ones_like(train)}[split]
    return images[chosen], labels[chosen]


def _enlarge(gray: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(gray).resize((size, size), Image.Resampling.BICUBIC))
