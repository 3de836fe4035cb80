"""Every check cites a sentence that stands in the documentation of the object that it names."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from importlib import import_module
from inspect import getdoc

import pytest

from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.running import EXPECTED_FAILURES

CHECKS = {(kind, check.name): check for kind, checked in CHECKED.items() for check in checked.checks}
CHECKS["any", EXPECTED_FAILURES.name] = EXPECTED_FAILURES


def words(text):
    return " ".join(text.split())


def documentation(cited):
    module, _, path = cited.partition(":")
    return words(getdoc(reduce(getattr, path.split("."), import_module(module))) or "")


@pytest.mark.parametrize("check", CHECKS.values(), ids=["-".join(key) for key in CHECKS])
def test_sentence_stands_where_the_check_says(check):
    assert len(words(check.sentence).split()) >= 3
    assert words(check.sentence) in documentation(check.cites)


@pytest.mark.parametrize("kind", CHECKED)
def test_names_of_checks_are_unique_and_spelled_alike(kind):
    names = [check.name for check in CHECKED[kind].checks]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert [name for name in names if name != name.lower() or not name.replace("-", "").isalnum()] == []


@pytest.mark.parametrize("kind", CHECKED)
def test_enough_checks_are_asked_for_and_not_more_than_there_are(kind):
    checked = CHECKED[kind]
    assert len(checked.checks) // 2 <= checked.at_least <= len(checked.checks)
