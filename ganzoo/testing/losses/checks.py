"""The checks of losses, in order."""

from __future__ import annotations

from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.losses import (
    any_options,
    batches,
    derivatives,
    execution,
    form,
    saturation,
    slopes,
    state,
    statements,
)
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.tags import tag_checks

LOSSES = Checked(
    (
        *OPTIONS_CHECKS,
        *checks_of(form, slopes, batches, derivatives, execution, saturation, any_options, statements, state),
        *tag_checks("loss"),
    ),
    at_least=26,
)
