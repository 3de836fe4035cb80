"""The conformance kit: whether a component keeps to what its protocol says.

Each function checks one component and returns a report. ``ganzoo check`` and :func:`parametrize_with_checks` run the
same checks.
"""

from ganzoo.testing.calls import (
    check_augmentation,
    check_dataset,
    check_discriminator,
    check_extractor,
    check_generator,
    check_loss,
    check_metric,
    check_preset,
    check_recipe,
    check_regularizer,
    check_tracker,
)
from ganzoo.testing.check import Failed
from ganzoo.testing.losses.statements import Reference
from ganzoo.testing.parametrize import parametrize_with_checks
from ganzoo.testing.report import CheckReport, Outcome

__all__ = [
    "CheckReport",
    "Failed",
    "Outcome",
    "Reference",
    "check_augmentation",
    "check_dataset",
    "check_discriminator",
    "check_extractor",
    "check_generator",
    "check_loss",
    "check_metric",
    "check_preset",
    "check_recipe",
    "check_regularizer",
    "check_tracker",
    "parametrize_with_checks",
]
