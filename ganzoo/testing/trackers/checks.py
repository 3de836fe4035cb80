"""The checks of trackers, in order."""

from __future__ import annotations

from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.trackers import following

TRACKERS = Checked((*OPTIONS_CHECKS, *checks_of(following)), at_least=12)
