"""The checks of augmentations, in order."""

from __future__ import annotations

from ganzoo.testing.augmentations import images, updates, vectors
from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.tags import tag_checks

AUGMENTATIONS = Checked(
    (
        *OPTIONS_CHECKS,
        *checks_of(images, updates, vectors),
        *tag_checks("augmentation"),
    ),
    at_least=18,
)
