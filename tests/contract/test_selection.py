"""What ``pytest -k`` selects: ``loss-hinge`` the tests of every loss, ``hinge`` also those written for that one."""

from __future__ import annotations

from registered import called

from ganzoo.registry import Entry
from ganzoo.testing.subject import Subject


def components_of(item):
    """The installed components among the parameters of a test."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    entries = (value.entry if isinstance(value, Subject) else value for value in values)
    return [entry for entry in entries if isinstance(entry, Entry)]


def test_ids_name_the_components_that_a_test_is_about(request):
    items = request.session.items
    nameless = {item.nodeid for item in items for entry in components_of(item) if called(entry) not in item.name}
    assert nameless == set()


def test_a_dash_is_an_underscore_to_k(request):
    words = request.node.listextrakeywords()
    assert {"test-a-dash-is-an-underscore-to-k", "test-selection.py"} <= words
    assert request.config.rootpath.name not in words
