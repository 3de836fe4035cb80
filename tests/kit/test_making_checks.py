"""A check is made by a decorator, and stands in the list of its kind."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

import ganzoo.testing
from ganzoo.protocols import Dataset, Loss
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.check import always, check, checks_of
from ganzoo.testing.installed import GIVEN, LOADS
from ganzoo.testing.running import EXPECTED_FAILURES

NEVER_RUN = (LOADS, GIVEN, EXPECTED_FAILURES)
"""What a report says when there is nothing to run; they belong to no kind."""

NEWS = """
from ganzoo.testing.check import check
from ganzoo.protocols import Loss

@check("later-in-the-alphabet", Loss, "It stands first.")
def z(subject): ...

@check("earlier-in-the-alphabet", Loss, "It stands second.")
def a(subject): ...

def no_check(subject): ...
"""


def module(name, source, **imported):
    made = ModuleType(name)
    vars(made).update(imported)
    exec(source, vars(made))
    return made


def test_the_decorator_says_all_there_is_to_a_check():
    def skipped(subject):
        return "never"

    def look(subject):
        raise AssertionError

    made = check("some-name", Loss, "Some sentence.", skip=skipped, every_choice=True)(look)
    assert (made.name, made.cites, made.sentence) == ("some-name", "ganzoo.protocols:Loss", "Some sentence.")
    assert (made.run, made.skip, made.every_choice, made.meaning) == (look, skipped, True, "")
    plain = check("some-name", Dataset.read, "Some sentence.")(look)
    assert (plain.cites, plain.skip, plain.every_choice) == ("ganzoo.protocols:Dataset.read", always, False)


def test_the_checks_of_modules_come_in_their_order_and_from_top_to_bottom():
    one = module("one", NEWS)
    two = module("two", NEWS, borrowed=one.z)
    assert list(checks_of(one)) == [one.z, one.a]
    assert list(checks_of(two, one)) == [two.z, two.a, one.z, one.a]


def test_no_check_is_left_out_of_the_list_of_its_kind():
    names = [found.name for found in pkgutil.walk_packages(ganzoo.testing.__path__, "ganzoo.testing.")]
    defined = [one for name in names for one in checks_of(import_module(name)) if one not in NEVER_RUN]
    listed = {one.run for checked in CHECKED.values() for one in checked.checks}
    assert len(defined) > 100
    assert [one.name for one in defined if one.run not in listed] == []
