"""Do samples help a classifier? It is trained on real images, on samples, and on both, and tested on held-out ones.

    python examples/classifier_comparison.py                    # digits: a GAN of its own, then the comparison
    python examples/classifier_comparison.py --run RUN          # with a conditional run of yours, on the data it saw

GAN and classifiers see the train split only; nothing is chosen by the test split. Each classifier takes as many steps
as the others, however many images it has, so that "both" is not trained for longer. The measure is balanced accuracy,
the mean of the recalls of all classes, so that a rare class counts as much as a frequent one. Each row shows its mean
over seeds with a 95 % confidence interval (Student's t), which covers the seeds of the classifier: a second GAN, or
other test images, would vary more. "both" helps where the interval of its differences from "real", taken seed by
seed, lies above 0.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.data import cache_folder

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Quantiles t(0.975) for 1 to 9 degrees of freedom; beyond, that of 9, which is a little too wide."""


@dataclass(frozen=True)
class Labeled:
    """Images, uint8 (N, C, H, W), with labels (N,)."""

    images: Tensor
    labels: Tensor

    def __add__(self, other: Labeled) -> Labeled:
        return Labeled(torch.cat([self.images, other.images]), torch.cat([self.labels, other.labels]))

    def of_each_class(self, n: int, *, seed: int) -> Labeled:
        """At most n of each class, drawn at random: to see what samples do where real images are few."""
        random = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.labels), generator=random)
        kept = torch.cat([order[self.labels[order] == label][:n] for label in self.labels.unique()])
        return Labeled(self.images[kept], self.labels[kept])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="a conditional run (default: train one on the digits)")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of the GAN that is trained")
    parser.add_argument("--gan-steps", type=int, default=1500, help="its generator steps")
    parser.add_argument("--real", type=int, help="real images of each class for the classifiers (default: all)")
    parser.add_argument("--synthetic", type=int, default=150, help="samples of each class")
    parser.add_argument("--test-split", default="test", help="held-out split of the data")
    parser.add_argument("--steps", type=int, default=400, help="steps of each classifier")
    parser.add_argument("--seeds", type=int, default=5, help="classifiers of each kind, at least 2")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: one classifier has no interval")
    run = ganzoo.load_run(options.run) if options.run else trained(options.out, options.gan_steps)
    if not run.classes:
        parser.error(f"{run.path} was trained without classes, so its samples have no labels: use --disc acgan")
    real, test = (real_images(run, split) for split in (run.config.data.split, options.test_split))
    if options.real is not None:
        real = real.of_each_class(options.real, seed=0)
    fakes = samples(run, options.synthetic)
    scores = compared({"real": real, "synthetic": fakes, "both": real + fakes}, test, options.steps, options.seeds)
    figures = summary(scores)
    print(json.dumps({"run": str(run.path), **figures}) if options.json else "\n".join(table(figures)))


def trained(out: Path, steps: int) -> ganzoo.Run:
    """A small class-conditional GAN of the digits."""
    return ganzoo.run({"discriminator": "acgan", "data": {"image_size": 16}, "train": {"steps": steps}}, out=out)


def real_images(run: ganzoo.Run, split: str) -> Labeled:
    """The images of a split as the GAN would see them."""
    config = run.config.data
    options = ganzoo.build("dataset", config.name, **config.options())
    data = options.open(image_size=config.image_size, channels=config.channels, split=split, cache=cache_folder())
    return Labeled(data.read(torch.arange(len(data))), data.labels)


def samples(run: ganzoo.Run, n: int) -> Labeled:
    """n samples of each class."""
    labels = torch.arange(len(run.classes)).repeat_interleave(n)
    return Labeled(run.sample(len(labels), labels=labels.tolist()), labels)


def compared(sets: dict[str, Labeled], test: Labeled, steps: int, seeds: int) -> dict[str, list[float]]:
    """Balanced accuracy of each set's classifiers, one for each seed."""
    return {
        name: [balanced_accuracy(classifier(found, steps, seed), test) for seed in range(seeds)]
        for name, found in sets.items()
    }


def classifier(train: Labeled, steps: int, seed: int) -> nn.Module:
    """A small convolutional network, trained for so many batches in which every class is equally frequent."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(train.images.shape[1], int(train.labels.max()) + 1)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        share = 1 / train.labels.bincount().clamp(min=1).float()
        for _ in range(steps):
            rows = torch.multinomial(share[train.labels], 64, replacement=True)
            optimizer.zero_grad()
            F.cross_entropy(network(scaled(train.images[rows])), train.labels[rows]).backward()
            optimizer.step()
    return network.eval()


def _network(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(channels, 16, 3, 2, 1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64 * 4, classes)),
    )


def scaled(pixels: Tensor) -> Tensor:
    """uint8 → [-1, 1]."""
    return pixels.float() / 127.5 - 1


@torch.no_grad()
def balanced_accuracy(network: nn.Module, test: Labeled) -> float:
    """The mean over the classes of the share of their images that are recognized."""
    found = torch.cat([network(scaled(part)).argmax(1) for part in test.images.split(256)])
    return recall(found, test.labels)


def recall(found: Tensor, labels: Tensor) -> float:
    """The mean recall of the classes that occur."""
    hits = (found == labels).double()
    return float(torch.stack([hits[labels == label].mean() for label in labels.unique()]).mean())


def summary(scores: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Mean and half an interval's width of each set, and of the difference of "both" and "real" within each seed."""
    paired = {"both - real": [one - other for one, other in zip(scores["both"], scores["real"], strict=True)]}
    return {name: interval(values) for name, values in (scores | paired).items()}


def interval(values: Sequence[float]) -> dict[str, float]:
    """mean ± t(0.975, n − 1)·s/√n."""
    n = len(values)
    quantile = STUDENT[min(n - 1, len(STUDENT)) - 1]
    return {"mean": statistics.fmean(values), "half_width": quantile * statistics.stdev(values) / math.sqrt(n)}


def table(figures: dict[str, dict[str, float]]) -> Iterator[str]:
    """Lines for people."""
    yield "trained on    balanced accuracy on held-out real images (95 % interval over seeds)"
    for name, found in figures.items():
        yield f"{name:<12}  {found['mean']:6.3f} ± {found['half_width']:.3f}"


if __name__ == "__main__":
    main()
