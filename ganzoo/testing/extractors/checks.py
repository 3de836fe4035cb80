"""The checks of extractors, in order."""

from __future__ import annotations

from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.extractors import looking, opening
from ganzoo.testing.options import OPTIONS_CHECKS

EXTRACTORS = Checked((*OPTIONS_CHECKS, *checks_of(opening, looking)), at_least=16)
