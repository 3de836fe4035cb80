"""The checks of regularizers, in order."""

from __future__ import annotations

from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.regularizers import batches, by_tag, side_effects, terms, updates
from ganzoo.testing.tags import tag_checks

REGULARIZERS = Checked(
    (
        *OPTIONS_CHECKS,
        *checks_of(terms, batches, side_effects, updates, by_tag),
        *tag_checks("regularizer"),
    ),
    at_least=26,
)
