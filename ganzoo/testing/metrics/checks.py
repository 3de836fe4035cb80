"""The checks of metrics, in order."""

from __future__ import annotations

from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.metrics import measurement
from ganzoo.testing.options import OPTIONS_CHECKS

METRICS = Checked((*OPTIONS_CHECKS, *checks_of(measurement)), at_least=15)
