"""Features of a small classifier that is trained on the labelled real data themselves."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from ganzoo_blocks.classifier_training import CHUNK, LabeledPictures, Variation, fitted, predicted, updates_for
from ganzoo_blocks.held_out_part import held_out_part
from ganzoo_blocks.picture_classifier import PictureClassifier, prepared
from ganzoo_blocks.recall import balanced_accuracy, occurring
from pydantic import Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ganzoo.component import ExtractorOptions
from ganzoo.data import whole_file
from ganzoo.errors import ConfigError
from ganzoo.protocols import Dataset, Extracted, Extractor

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger("ganzoo")

VERSION = 1
"""Of network and training; another one makes kept classifiers unknown."""
HINT = "--extractor random-conv"


class Classifier(ExtractorOptions):
    """A small convolutional network, trained once to tell apart the classes of the real data.

    Formula:
        φ(x) = penultimate layer (N, 64)        p(x) = softmax(U φ(x)) (N, K)

    Network: three or four strided 3×3 convolutions with GroupNorm and SiLU, one hidden layer of 64. Pictures whose
    shorter side is above 64 px are reduced to that. Training: AdamW on the cross entropy, each class drawn equally
    often. See ``ganzoo_blocks``: metric ``downstream`` trains the same network.

    ``held_out`` of each class is not trained on, and whole groups, such as patients, are held out: the balanced
    accuracy on that part is logged, kept with the weights, and decides whether the classifier is of use. Needed is
    2/K, twice what guessing has, and with two classes 3/4, since 2/K would demand perfection. The weights are kept in
    the cache by the data's fingerprint and the options, so the classifier is trained once. The digest is that of the
    weights: where it is trained again, on another machine or without that cache, it may be another one, and values are
    then not compared.

    Features know what tells these classes apart, and need not notice anything else: a generator with one picture per
    class may look good in them.

    Raises:
        ConfigError: the data are not pictures, or have no labels, or too few pictures of two classes to hold out some;
            or the classifier is not accurate enough on the held-out part.

    Source: an Inception Score by a classifier of the data's own classes after Salimans et al. 2016, arXiv:1606.03498,
    section 4; FID of LeNet features on MNIST in Bińkowski et al. 2018, arXiv:1801.01401, section 4.
    """

    held_out: float = Field(default=0.2, gt=0, lt=1, description="share of each class that accuracy is measured on")
    updates: int | None = Field(
        default=None, ge=1, le=10_000_000, description="of the weights; by default for 8 passes, 150 to 1,500"
    )
    hflip: bool = Field(default=False, description="mirror pictures at random in training")
    shift: float = Field(default=0.0, ge=0, lt=0.5, description="move them by up to this share of their sides")
    rotate: float = Field(default=0.0, ge=0, le=180, description="turn them by up to so many degrees")
    seed: int = Field(default=0, ge=0, lt=2**63, description="of weights, batches and the held-out part")

    def open(self, *, data: Dataset, device: torch.device, cache: Path) -> Extractor:
        """The classifier on ``device``: read from below ``cache``, or trained and kept there."""
        classes, labels = _labelled(data)
        path = cache / "classifiers" / f"{self._key(data)}.safetensors"
        kept = _read(path, data)
        network, trial = kept or self._trained(data, labels, device)
        if kept is None:
            with whole_file(path, place="GANZOO_CACHE") as beside:
                save_file(_tensors(network), beside, metadata=trial.metadata())
        _demand_use(trial)
        logger.info(
            "extractor classifier%s: balanced accuracy %.3f on %s real pictures that it was not trained on "
            "(chance %.3f)",
            " (from the cache)" if kept else "",
            trial.accuracy,
            f"{trial.count:,}",
            trial.chance,
        )
        return ClassifierExtractor(network.to(device), classes, trial)

    def _key(self, data: Dataset) -> str:
        """Of the weights: what they follow from."""
        what = json.dumps([VERSION, data.fingerprint, self.model_dump(mode="json")], sort_keys=True)
        return hashlib.sha256(what.encode()).hexdigest()[:40]

    def _trained(
        self, data: Dataset, labels: Tensor, device: torch.device
    ) -> tuple[PictureClassifier, HeldOutAccuracy]:
        """The network, and how it fares on the part that it was not trained on."""
        train, held = held_out_part(labels, data.groups, share=self.held_out, seed=self.seed)
        if len(occurring(labels[held])) < 2:
            raise ConfigError(
                "extractor classifier needs pictures of two classes to hold out, and these data have too few",
                given=f"{len(labels):,} pictures"
                + ("" if data.groups is None else f", {len(set(data.groups)):,} groups"),
                allowed="two classes with two pictures each, and of two groups each where there are groups",
                hint=HINT,
            )
        network = fitted(
            _read_pictures(data, train, labels),
            len(data.spec.classes),
            seed=self.seed,
            updates=self.updates or updates_for(len(train)),
            variation=Variation(hflip=self.hflip, shift=self.shift, rotate=self.rotate),
            device=device,
        )
        found = predicted(network, _read_pictures(data, held, labels))
        chance = 1 / len(occurring(labels[held]))
        return network, HeldOutAccuracy(accuracy=balanced_accuracy(found, labels[held]), chance=chance, count=len(held))


@dataclass(frozen=True, kw_only=True)
class HeldOutAccuracy:
    """How a classifier fared on pictures that it was not trained on.

    Attributes:
        accuracy: balanced.
        chance: that of guessing.
        count: pictures.
    """

    accuracy: float
    chance: float
    count: int

    def metadata(self) -> dict[str, str]:
        """As texts, for the file of the weights."""
        return {"accuracy": repr(self.accuracy), "chance": repr(self.chance), "count": str(self.count)}


class ClassifierExtractor:
    """See :class:`Classifier`.

    Attributes:
        trial: how it fared on pictures that it was not trained on.
    """

    def __init__(self, network: PictureClassifier, classes: tuple[str, ...], trial: HeldOutAccuracy) -> None:
        self._network = network
        self.classes, self.trial = classes, trial
        _, height, width = network.shape
        self.resize = f"to {width}×{height} px, bilinear, antialiased, if it is not"
        self.size = network.hidden.out_features
        self.digest = _digest(network)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Extracted:
        """Features of each picture, and how likely it is of each class."""
        seen = [
            self._network.features(prepared(part, self._network.shape).to(self._network.mean.device))
            for part in torch.split(images, CHUNK)
        ]
        features = torch.cat(seen)
        return Extracted(features=features.cpu(), class_probs=self._network.logits(features).softmax(1).cpu())


def _labelled(data: Dataset) -> tuple[tuple[str, ...], Tensor]:
    """Names of the classes, and the labels.

    Raises:
        ConfigError: there are none, or the data are vectors.
    """
    if len(data.spec.shape) != 3:
        raise ConfigError(
            "extractor classifier looks at pictures, and these data are vectors", hint="--metric mode-coverage"
        )
    if data.labels is None or len(occurring(data.labels)) < 2:
        raise ConfigError(
            "extractor classifier learns from labelled pictures of at least two classes, and these data have none",
            given="no labels" if data.labels is None else "a single class",
            allowed="pictures in a folder for each class, or with labels in a table",
            hint=HINT,
        )
    return data.spec.classes, data.labels


def _demand_use(trial: HeldOutAccuracy) -> None:
    least = min(2 * trial.chance, (1 + trial.chance) / 2)
    if trial.accuracy < least:
        raise ConfigError(
            "extractor classifier does not tell the classes of these data apart, so its features would say nothing",
            given=f"balanced accuracy {trial.accuracy:.3f} on {trial.count:,} held-out real pictures; chance is "
            f"{trial.chance:.3f}",
            allowed=f"at least {least:.3f}: train it longer, --set extractors.classifier.updates=2000, or give it more "
            "labelled pictures",
            hint=HINT,
        )


def _read_pictures(data: Dataset, index: Tensor, labels: Tensor) -> LabeledPictures:
    """Some of the pictures, reduced chunk by chunk, since all of them may not fit into memory as they are."""
    parts = [LabeledPictures.of(data.read(part), labels[part]) for part in torch.split(index, CHUNK)]
    return LabeledPictures(
        pixels=torch.cat([part.pixels for part in parts]), labels=torch.cat([part.labels for part in parts])
    )


def _tensors(network: PictureClassifier) -> dict[str, Tensor]:
    return {name: value.cpu().contiguous() for name, value in network.state_dict().items()}


def _digest(network: PictureClassifier) -> str:
    """SHA-256 of version, shape and weights."""
    found = hashlib.sha256(f"classifier {VERSION} {network.shape}".encode())
    for name, value in sorted(_tensors(network).items()):
        found.update(name.encode())
        found.update(value.numpy().tobytes())
    return found.hexdigest()


def _read(path: Path, data: Dataset) -> tuple[PictureClassifier, HeldOutAccuracy] | None:
    """What was kept, if it is whole: a damaged file is made again."""
    try:
        state = load_file(path)
        with safe_open(path, framework="pt") as file:
            said = file.metadata()
        trial = HeldOutAccuracy(
            accuracy=float(said["accuracy"]), chance=float(said["chance"]), count=int(said["count"])
        )
        with torch.device("meta"):  # no weight is drawn
            network = PictureClassifier(data.spec.shape, len(data.spec.classes))
        network.load_state_dict(state, assign=True)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError):
        return None
    return network.eval(), trial
