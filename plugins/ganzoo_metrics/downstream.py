"""What generated pictures are worth to a classifier that is tested on real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from ganzoo_blocks.classifier_training import LabeledPictures, Variation, fitted, predicted, updates_for
from ganzoo_blocks.recall import occurring, recalls
from pydantic import Field

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo_metrics.demands import labeled_pictures

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec, Features

FEW = 30
"""Held-out pictures of a class below which its recall is uncertain by more than 0.09 (one standard error, at 0.5)."""
MEANS = ("synthetic", "both_minus_real", "real", "both")


class Downstream(Options):
    """Balanced accuracy, on held-out real pictures, of a classifier that learns from real, from generated, from both.

    Formula:
        A(S) = 1/K Σ_k |{x ∈ T_k : c_S(x) = k}| / |T_k|
        synthetic = A(F)    both_minus_real = A(R ∪ F) − A(R)    real = A(R)    both = A(R ∪ F)

    R are all real pictures that the generator learned from, F generated ones under the labels that were asked for, T_k
    held-out real pictures of class k, K the classes that occur in T, and c_S a small convolutional network trained on
    S. Each number is a mean over ``seeds`` classifiers, and its spread is the standard error over them. The difference
    is taken seed by seed, from the same weights at the start. Accuracies are from 0 to 1 and guessing has 1/K; the
    difference is from −1 to 1. ``recall/real/CLASS``, ``recall/synthetic/CLASS`` and ``recall/both/CLASS`` are the
    terms of the sum.

    Two numbers rank generators. ``both_minus_real`` answers whether the pictures help, which is what they are made for,
    but is near 0 for all generators where the real pictures suffice. ``synthetic``, the first, still tells them apart
    there. A generator that only repeats the pictures it learned from may have ``synthetic`` near ``real``, and does not
    help.

    Every classifier makes the same number of updates, however many pictures it has, and sees each class equally often.
    So it wants equally many samples of each class: as often as in the data, a rare class, which needs them most, would
    get the fewest. Classic augmentation (``hflip``, ``shift``, ``rotate``) is that of every classifier, so the
    difference is what samples add to it.

    The standard error covers weights and batches of the classifier. Another training of the generator, or other
    held-out pictures, vary more. Held-out pictures come from the split test or val, and share no group with the others.

    Raises:
        ConfigError: the data are not pictures, or real, generated or held-out ones have no labels, or fewer than two
            classes occur in the real or in the held-out ones.

    Source: Wu et al. 2026 (MIDL), arXiv:2502.17160: FID may rank generators of medical images otherwise than their use
    does; ``synthetic`` is the classification accuracy score of Ravuri & Vinyals 2019, arXiv:1905.10887, section 3. They
    train a ResNet-50 on ImageNet; here it is a small network, and accuracy is balanced.
    """

    samples: int = Field(
        default=2500, ge=1, le=10_000_000, description="number of generated samples, equally many of each class"
    )
    seeds: int = Field(default=3, ge=2, le=1_000, description="classifiers that are trained on each set of pictures")
    updates: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="of each; by default for 8 passes over the largest set, 150 to 1,500",
    )
    hflip: bool = Field(default=False, description="mirror pictures at random in training")
    shift: float = Field(default=0.0, ge=0, lt=0.5, description="move them by up to this share of their sides")
    rotate: float = Field(default=0.0, ge=0, le=180, description="turn them by up to so many degrees")

    def build(self, spec: DataSpec) -> DownstreamUse:
        """The metric, which knows the names of the classes."""
        return DownstreamUse(options=self, classes=spec.classes)


@dataclass(frozen=True, kw_only=True)
class DownstreamUse:
    """See :class:`Downstream`."""

    options: Downstream
    classes: tuple[str, ...]

    needs: ClassVar[frozenset[str]] = frozenset({"images", "labels", "held_out"})
    higher_is_better: ClassVar[bool] = True
    whole_reference: ClassVar[bool] = True
    balanced_samples: ClassVar[bool] = True
    spreads: ClassVar[Mapping[str, str]] = {name: f"{name}_se" for name in MEANS}
    better: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"both_minus_real": "higher", "both": "higher"}
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {
        **dict.fromkeys(MEANS, (0, 1)),
        "both_minus_real": (-1, 1),
    }

    @property
    def samples(self) -> int:
        """As the option says."""
        return self.options.samples

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """The numbers of :class:`Downstream`, each mean with its standard error; draws a seed for each classifier."""
        learned, made, test = (
            LabeledPictures.of(*labeled_pictures("downstream", side, of)) for side, of in _sides(real, fake)
        )
        for side, of in ((learned, "real"), (test, "held-out real")):
            _demand_two_classes(side, of)
        sets = {"real": learned, "synthetic": made, "both": learned + made}
        updates = self.options.updates or updates_for(len(sets["both"]))
        seeds = torch.randint(2**62, (self.options.seeds,), generator=random).tolist()
        found = {name: [self._recalls(one, test, seed, updates) for seed in seeds] for name, one in sets.items()}
        scores = {name: torch.stack(rows).mean(1) for name, rows in found.items()}
        scores["both_minus_real"] = scores["both"] - scores["real"]
        numbers: dict[str, float] = {}
        for name in MEANS:
            numbers[name] = float(scores[name].mean())
            numbers[f"{name}_se"] = float(scores[name].std() / self.options.seeds**0.5)
        for name, rows in found.items():
            means = torch.stack(rows).mean(0).tolist()
            numbers |= dict(zip(self._recall_keys(name, test.labels), means, strict=True))
        return numbers

    def _recalls(self, pictures: LabeledPictures, test: LabeledPictures, seed: int, updates: int) -> Tensor:
        """Recall of each class that occurs in ``test``, of one classifier."""
        chosen = self.options
        network = fitted(
            pictures,
            len(self.classes),
            seed=seed,
            updates=updates,
            variation=Variation(hflip=chosen.hflip, shift=chosen.shift, rotate=chosen.rotate),
        )
        found = recalls(predicted(network, test), test.labels)
        return torch.tensor(list(found.values()), dtype=torch.float64)

    def _recall_keys(self, name: str, labels: Tensor) -> Iterator[str]:
        yield from (f"recall/{name}/{self.classes[label]}" for label in occurring(labels))

    def warnings(self, *, real: Features, fake: Features) -> tuple[str, ...]:
        """Classes without samples, and classes with few held-out pictures."""
        notes = []
        test = real.held_out.labels if real.held_out is not None else None
        if fake.labels is not None and real.labels is not None:
            missing = sorted(set(real.labels.tolist()) - set(fake.labels.tolist()))
            if missing:
                notes.append(f"no samples of {self._named(missing)}, so synthetic has a recall of 0 there")
        if test is not None:
            few = [label for label in occurring(test) if int((test == label).sum()) < FEW]
            if few:
                notes.append(f"fewer than {FEW} held-out pictures of {self._named(few)}: their recalls are uncertain")
        return tuple(notes)

    def _named(self, labels: list[int]) -> str:
        names = [self.classes[label] for label in labels]
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more classes" if len(names) > 5 else "")


def _sides(real: Features, fake: Features) -> Iterator[tuple[Features | None, str]]:
    yield real, "real"
    yield fake, "generated"
    yield real.held_out, "held-out real"


def _demand_two_classes(side: LabeledPictures, of: str) -> None:
    if len(occurring(side.labels)) < 2:
        raise ConfigError(
            "metric downstream tells classes apart",
            given=f"{of} pictures of a single class",
            allowed="at least two classes",
            hint="choose other data: --data FOLDER, with a folder for each class",
        )
