"""What pydantic finds, told in a line. Values of the configuration itself are in test_config.py."""

import pytest
from pydantic import BaseModel

from ganzoo.explanation import explain


class Inner(BaseModel, extra="forbid"):
    width: int


class Outer(BaseModel, extra="forbid"):
    inner: Inner
    either: int | list[int] = 0


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
