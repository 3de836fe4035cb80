"""The checks of datasets, in order."""

from __future__ import annotations

from ganzoo.testing.check import Checked, checks_of
from ganzoo.testing.datasets import attributes, identity, items, open_arguments
from ganzoo.testing.options import OPTIONS_CHECKS

DATASETS = Checked((*OPTIONS_CHECKS, *checks_of(items, attributes, identity, open_arguments)), at_least=23)
