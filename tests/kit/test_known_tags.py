"""What the kit measures of tags is known of that kind."""

from __future__ import annotations

import pytest

from ganzoo.component import Component, Options
from ganzoo.registry import Entry
from ganzoo.testing.check import Failed
from ganzoo.testing.subject import Subject
from ganzoo.testing.tags import KNOWN, MEASURES, tag_checks


class Narrowed(Options):
    """Its measure says that it carries a tag; it never does."""

    width: int = 64
    scale: float = 1.0


def announced(tags):
    component = Component(kind="loss", name="narrowed", target="a:B", summary="a loss", tags=tags)
    return Entry(component=component, distribution="mine", version="1", entry_point="main")


@pytest.mark.parametrize(
    ("options", "in_record", "advice"),
    [
        (Narrowed(), frozenset(), "add it to tags() and to the record"),
        (Narrowed(width=8), frozenset(), "add it to tags() and to the record"),
        (Narrowed(scale=2.0), frozenset(), "add it to tags()"),
        (Narrowed(), frozenset({"paired"}), "add it to tags()"),
        (Narrowed(), None, "add it to tags()"),
    ],
    ids=["default", "made narrow", "other options", "the record has it", "without a record"],
)
def test_the_record_is_named_where_it_is_meant(monkeypatch, options, in_record, advice):
    entry = None if in_record is None else announced(in_record)
    monkeypatch.setattr("ganzoo.testing.tags.MEASURES", {"loss": {"paired": lambda subject: True}})
    [check] = tag_checks("loss")
    with pytest.raises(Failed) as failed:
        check.run(Subject(kind="loss", options=options, entry=entry))
    assert str(failed.value).endswith(advice)


@pytest.mark.parametrize("kind", MEASURES)
def test_what_is_measured_is_known(kind):
    assert {tag for tag in MEASURES[kind] if kind not in KNOWN[tag]} == set()
