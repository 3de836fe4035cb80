"""The checks of recipes, in order."""

from __future__ import annotations

from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.options import RECORD_CHECKS
from ganzoo.testing.recipes import contents

RECIPES = Checked((*RECORD_CHECKS, *checks_of(contents)), at_least=6)
