"""What pydantic finds, told in a line. Values of the configuration itself are in test_config.py."""

import itertools
import math
import re
from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError
from registered import REGISTRY

from ganzoo.component import FILES
from ganzoo.config.explanation import explain
from ganzoo.config.reasons import REASONS
from ganzoo.config.schema import RunConfig


class Inner(BaseModel, extra="forbid"):
    width: int


class Outer(BaseModel, extra="forbid"):
    inner: Inner
    either: int | list[int] = 0
    colors: tuple[Literal["red", "blue"], ...] = Field(default=("red",), min_length=1)
    pair: tuple[Annotated[float, Field(ge=0)], float] = (0.0, 0.9)
    sizes: tuple[int, ...] | None = None


class TestExplaining:
    def explained(self, content):
        with pytest.raises(ValueError) as caught:
            Outer.model_validate(content)
        return [finding.reason for finding in explain(caught.value, Outer, section="loss", origins={"loss.inner": "x"})]

    def test_nested_keys(self):
        assert self.explained({"inner": {"widht": 1, "width": 2}}) == [
            "loss.inner.widht (from x): unknown key; did you mean 'width'?"
        ]

    def test_the_members_of_a_union_are_one_finding(self):
        (reason,) = self.explained({"inner": {"width": 1}, "either": "a"})
        assert reason.startswith("loss.either = 'a': must be a whole number")
        assert " or a list in brackets, such as" in reason

    @pytest.mark.parametrize(("key", "example"), [("colors", '["red"]'), ("pair", "[0.5, 0.999]"), ("sizes", "[1]")])
    def test_the_example_of_a_list_fits_the_field(self, key, example):
        (reason,) = self.explained({"inner": {"width": 1}, key: "x"})
        assert reason == f"loss.{key} = 'x': must be a list in brackets, such as {example}"

    def test_a_wrong_item_does_not_make_its_list_too_short(self):
        (reason,) = self.explained({"inner": {"width": 1}, "colors": ["green"]})
        assert reason.startswith("loss.colors.0 = 'green': must be")
        (reason,) = self.explained({"inner": {"width": 1}, "colors": []})
        assert reason == "loss.colors = []: has too few items: at least 1"

    @pytest.mark.parametrize("given", [[], [0.5]])
    def test_a_list_that_is_too_short(self, given):
        (reason,) = self.explained({"inner": {"width": 1}, "pair": given})
        assert reason == f"loss.pair = {given}: must be 2 values in brackets, such as [0.5, 0.999]"


ODD = (
    None,
    True,
    1.5,
    math.nan,
    math.inf,
    -(10**30),
    10**30,
    "",
    "odd",
    "1" * 5000,
    [],
    ["odd"],
    [1, 2, 3],
    [[]],
    {},
    {"a": 1},
)
"""Values of every sort, most of which no key takes."""


def models():
    """Every model whose values people set: the parts of the configuration, and the options of all components."""
    yield "the configuration", RunConfig
    yield from ((section, type(part)) for section, part in RunConfig() if isinstance(part, BaseModel))
    for entry in REGISTRY.entries():
        if entry.kind not in FILES and not entry.missing():
            yield entry.qualified, entry.options()


@pytest.mark.parametrize(("name", "model"), list(models()))
def test_every_wrong_value_of_every_key_is_told_in_plain_words(name, model):
    for key, value in itertools.product(model.model_fields, ODD):
        if (error := refusal_of(model, key, value)) is None:
            continue
        assert {item["type"] for item in error.errors()} <= REASONS.keys(), f"{name}: {key} = {value!r:.40}"
        told = " ".join(finding.reason for finding in explain(error, model))
        assert not re.search(r"[Ii]nput|\bvalid\b|parse|instance of|[Vv]alue error|\{\w+\}", told), told


def refusal_of(model, key, value):
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        return error
    return None


def test_unknown_types_of_errors_are_told_in_the_words_of_pydantic():
    class Dated(BaseModel):
        day: date

    with pytest.raises(ValueError) as caught:
        Dated.model_validate({"day": "x"})
    [finding] = explain(caught.value, Dated)
    assert finding.reason.startswith("day = 'x': must be a valid date")
