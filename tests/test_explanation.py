"""What pydantic finds, told in a line. Values of the configuration itself are in test_config.py."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from ganzoo.config.explanation import explain


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
        assert reason.startswith("loss.either = 'a': must be a valid integer")
        assert " or a valid list" in reason

    @pytest.mark.parametrize(("key", "example"), [("colors", '["red"]'), ("pair", "[0.5, 0.999]"), ("sizes", "[1]")])
    def test_the_example_of_a_list_fits_the_field(self, key, example):
        (reason,) = self.explained({"inner": {"width": 1}, key: "x"})
        assert reason == f"loss.{key} = 'x': must be a list in brackets, such as {example}"

    def test_a_wrong_item_does_not_make_its_list_too_short(self):
        (reason,) = self.explained({"inner": {"width": 1}, "colors": ["green"]})
        assert reason.startswith("loss.colors.0 = 'green': must be")
        (reason,) = self.explained({"inner": {"width": 1}, "colors": []})
        assert "at least 1 item" in reason

    @pytest.mark.parametrize("given", [[], [0.5]])
    def test_a_list_that_is_too_short(self, given):
        (reason,) = self.explained({"inner": {"width": 1}, "pair": given})
        assert reason == f"loss.pair = {given}: must be 2 values in brackets, such as [0.5, 0.999]"
