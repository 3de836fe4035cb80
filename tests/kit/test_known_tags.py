"""The tags that the kit knows are those of the plugin guide, of the same kinds."""

from __future__ import annotations

import pytest
from registered import ENTRIES
from test_docs import PLUGIN_GUIDE, code, rows

from ganzoo.testing.tags import KNOWN, MEASURES

KINDS_OF = {
    "any": {"loss", "discriminator", "generator", "regularizer", "augmentation"},
    "networks": {"discriminator", "generator"},
}


def test_known_tags_are_those_of_the_guide():
    documented = {}
    for tag, kinds, _ in rows(PLUGIN_GUIDE, "tag"):
        [name] = code(tag)
        documented[name] = frozenset().union(*(KINDS_OF.get(kind, {kind}) for kind in kinds.split(", ")))
    assert dict(KNOWN) == documented


@pytest.mark.parametrize("kind", MEASURES)
def test_what_is_measured_is_known(kind):
    assert {tag for tag in MEASURES[kind] if kind not in KNOWN[tag]} == set()


def test_first_party_components_carry_known_tags():
    carried = {(entry.kind, tag) for entry in ENTRIES for tag in entry.component.tags}
    assert {(kind, tag) for kind, tag in carried if kind not in KNOWN.get(tag, ())} == set()
