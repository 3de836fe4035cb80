"""Which checks a component of each kind has to pass."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ganzoo.testing.augmentations.checks import AUGMENTATIONS
from ganzoo.testing.check import Checked
from ganzoo.testing.datasets.checks import DATASETS
from ganzoo.testing.extractors.checks import EXTRACTORS
from ganzoo.testing.losses.checks import LOSSES
from ganzoo.testing.metrics.checks import METRICS
from ganzoo.testing.networks.checks import DISCRIMINATORS, GENERATORS
from ganzoo.testing.presets.checks import PRESETS
from ganzoo.testing.recipes.checks import RECIPES
from ganzoo.testing.regularizers.checks import REGULARIZERS
from ganzoo.testing.trackers.checks import TRACKERS

CHECKED: Mapping[str, Checked] = MappingProxyType(
    {
        "loss": LOSSES,
        "discriminator": DISCRIMINATORS,
        "generator": GENERATORS,
        "dataset": DATASETS,
        "metric": METRICS,
        "recipe": RECIPES,
        "regularizer": REGULARIZERS,
        "augmentation": AUGMENTATIONS,
        "tracker": TRACKERS,
        "extractor": EXTRACTORS,
        "preset": PRESETS,
    }
)
"""Kind → its checks."""
