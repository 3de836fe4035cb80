"""What the kit measures of tags is known of that kind."""

from __future__ import annotations

import pytest

from ganzoo.testing.tags import KNOWN, MEASURES


@pytest.mark.parametrize("kind", MEASURES)
def test_what_is_measured_is_known(kind):
    assert {tag for tag in MEASURES[kind] if kind not in KNOWN[tag]} == set()
