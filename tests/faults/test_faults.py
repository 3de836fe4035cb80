"""Failing the n-th operation on files: here a few of them, in ``make torture`` every one, for every pair with state."""

from __future__ import annotations

import pytest
from faulty_runs import TINY, compiler, outcomes, shim

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler, or no Linux: the shim cannot be built")
SLICE = [("kill", 40, 200), ("full", 70, 200)]
"""Four cases of a thousand; each is two processes."""


def test_a_run_that_meets_a_fault_ends_in_words_or_goes_on_to_the_same_numbers(tmp_path):
    first, *cases = outcomes(tmp_path / "cases", shim(tmp_path), TINY, steps=2, cases=SLICE)
    assert all(count > 50 for count in first["operations"].values())
    assert [(case["phase"], case["mode"]) for case in cases] == [
        (phase, mode) for phase in ("new", "resume") for mode in ("kill", "full")
    ]
    assert [case for case in cases if case["trouble"]] == []
    assert {case["code"] for case in cases if case["mode"] == "kill"} == {None}
    assert {case["code"] for case in cases if case["mode"] == "full"} <= {0, 6}
