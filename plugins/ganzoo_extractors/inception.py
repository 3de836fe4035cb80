"""Features of Inception v3 as torch-fidelity computes them."""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import shlex
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from ganzoo.component import ExtractorOptions
from ganzoo.errors import DataError, PluginError
from ganzoo.protocols import Dataset, Extracted, Extractor
from ganzoo_extractors.one_by_one import one_by_one

MODULE = "torch_fidelity.feature_extractor_inceptionv3"
URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
FILE = URL.rpartition("/")[2]
HASH = FILE.removesuffix(".pth").rpartition("-")[2]
"""The first digits of the SHA-256 of the published file, by which torch.hub knows it."""
LAYER = "2048"
VERSION = 1
"""Of what is done around torch-fidelity; another one may give other features."""


class Inception(ExtractorOptions):
    """The mean over positions before the classifier of Inception v3, as FID is defined on it: 2,048 features.

    Formula:
        φ(x) = mean over positions of h((x₂₉₉ − 128) / 128)

    ``x`` (N, C, H, W) is uint8; gray pictures are repeated to three channels. ``x₂₉₉`` is the picture resized to
    299 × 299 by torch-fidelity as TensorFlow 1 did it: bilinear, without antialiasing and without aligned corners. The
    network is torch-fidelity's too, with TensorFlow's weights of 2015-12-05. Features (N, 2048) are at least 0.

    A Fréchet distance between these features is FID only for as many pictures as in the work compared with, usually
    50,000 against the whole training split. Class probabilities are not offered to metrics, since a class score is
    meaningful only where the classes are those of the data.

    The weights (95 MB) are not fetched. They are looked for where torch-fidelity keeps them once it has fetched them
    itself, below the folder of ``torch.hub``, or in the file that ``weights`` names. They are read with
    ``weights_only=True``, and their SHA-256 is part of the record of every value.

    torchvision's Inception v3 and clean-fid differ: the former has other weights and other pooling, the latter resizes
    with antialiasing.

    Source: Szegedy et al. 2016, arXiv:1512.00567; Heusel et al. 2017, arXiv:1706.08500, section 3; Parmar et al. 2022,
    arXiv:2104.11222 for what resizing changes; Obukhov et al. 2020, torch-fidelity.
    """

    weights: Path | None = Field(default=None, description="file with the weights; by default torch-fidelity's own")

    def open(self, *, data: Dataset, device: torch.device, cache: Path) -> Extractor:
        """The network on ``device``; neither the data nor the cache is looked at.

        Raises:
            PluginError: torch-fidelity cannot be imported.
            DataError: the weights are missing, or are not those of this network.
        """
        content = _read(self.weights)
        return InceptionExtractor(content, _network(content, self.weights or _cached()), device)


class InceptionExtractor:
    """See :class:`Inception`."""

    classes: tuple[str, ...] = ()
    resize = "299 px, bilinear as in TensorFlow 1, not antialiased"
    size = int(LAYER)

    def __init__(self, content: bytes, network: nn.Module, device: torch.device) -> None:
        what = f"inception {VERSION} {hashlib.sha256(content).hexdigest()} {self.resize} {LAYER}"
        self.digest = hashlib.sha256(what.encode()).hexdigest()
        self._device = device
        self._network = network.to(device)

    def __call__(self, images: Tensor) -> Extracted:
        """Features of each picture."""
        return Extracted(features=one_by_one(images, self._look, device=self._device))

    def _look(self, images: Tensor) -> Tensor:
        [features] = self._network(images.to(self._device))
        return features  # type: ignore[no-any-return]


def _cached() -> Path:
    """Where torch-fidelity keeps the weights that it fetched."""
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE


def _read(given: Path | None) -> bytes:
    path = given or _cached()
    try:
        content = Path(os.path.expanduser(path)).read_bytes()
    except OSError as error:
        raise DataError(
            f"extractor inception needs weights that are not there, and ganzoo does not fetch them: {path}",
            given=error.strerror,
            allowed=f"the file {FILE} from {URL}",
            hint="add --set extractors.inception.weights=FILE",
        ) from None
    if given is None and not hashlib.sha256(content).hexdigest().startswith(HASH):
        raise DataError(
            f"weights of extractor inception are damaged: {path}",
            given=f"SHA-256 {hashlib.sha256(content).hexdigest()}",
            allowed=f"{HASH}…, as its name says",
            hint=f"rm {shlex.quote(str(path))}  # then fetch it again from {URL}",
        )
    return content


def _network(content: bytes, path: Path) -> nn.Module:
    """torch-fidelity's network.

    It unpickles whatever it is handed, so it gets only bytes that torch has read without running code.
    """
    try:
        library: Any = importlib.import_module(MODULE)
    except Exception as error:  # RuntimeError, say, where torchvision is built for another torch
        raise PluginError(
            f"extractor inception needs torch-fidelity, which cannot be imported: {type(error).__name__}: {error}",
            allowed="torch-fidelity, and torchvision of the same version and build (CPU or CUDA) as torch",
            hint="python -m pip install 'ganzoo[fidelity]'",
        ) from error
    try:
        torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        network: nn.Module = library.FeatureExtractorInceptionV3(
            "inception-v3-compat", [LAYER], feature_extractor_weights_path=io.BytesIO(content)
        )
    except Exception as error:  # torch raises errors of many kinds for files of something else
        raise DataError(
            f"weights of extractor inception are not those of torch-fidelity's Inception v3: {path}",
            given=str(error).strip().partition("\n")[0],
            allowed=f"the file {FILE} from {URL}",
            hint="add --set extractors.inception.weights=FILE",
        ) from None
    return network
