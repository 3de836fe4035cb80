"""The checks of presets, in order."""

from __future__ import annotations

from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.options import RECORD_CHECKS
from ganzoo.testing.presets import contents

PRESETS = Checked((*RECORD_CHECKS, *checks_of(contents)), at_least=4)
