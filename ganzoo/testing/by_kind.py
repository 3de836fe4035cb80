"""Which checks a component of each kind has to pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ganzoo.testing.augmentations import augmentation
from ganzoo.testing.check import Check
from ganzoo.testing.datasets import dataset
from ganzoo.testing.losses import checks as loss
from ganzoo.testing.metrics import metric
from ganzoo.testing.networks import discriminator, generator
from ganzoo.testing.recipes import recipe
from ganzoo.testing.regularizers import regularizer
from ganzoo.testing.trackers import tracker


@dataclass(frozen=True)
class Checked:
    """The checks of a kind, and how many of them must apply to a component."""

    checks: tuple[Check, ...]
    at_least: int


CHECKED: Mapping[str, Checked] = MappingProxyType(
    {
        "loss": Checked(loss.LOSS_CHECKS, loss.AT_LEAST),
        "discriminator": Checked(discriminator.DISCRIMINATOR_CHECKS, discriminator.AT_LEAST),
        "generator": Checked(generator.GENERATOR_CHECKS, generator.AT_LEAST),
        "dataset": Checked(dataset.DATASET_CHECKS, dataset.AT_LEAST),
        "metric": Checked(metric.METRIC_CHECKS, metric.AT_LEAST),
        "recipe": Checked(recipe.RECIPE_CHECKS, recipe.AT_LEAST),
        "regularizer": Checked(regularizer.REGULARIZER_CHECKS, regularizer.AT_LEAST),
        "augmentation": Checked(augmentation.AUGMENTATION_CHECKS, augmentation.AT_LEAST),
        "tracker": Checked(tracker.TRACKER_CHECKS, tracker.AT_LEAST),
    }
)
"""Kind → its checks."""
