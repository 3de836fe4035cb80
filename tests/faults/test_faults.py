"""Failing the n-th operation on files: here a few of them, in ``make torture`` every one, for all that is tortured."""

from __future__ import annotations

import pytest
from faulty_runs import compiler, outcomes, shim
from tortured import TORTURED

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler, or no Linux: the shim cannot be built")
CODES = {"kill": {None}, "tear": {None}, "fail": {0, 6, 7}, "full": {0, 6}}


@pytest.mark.parametrize("mode", CODES)
def test_a_run_that_meets_a_fault_at_any_operation_ends_in_words_or_goes_on_to_the_same_numbers(tmp_path, mode):
    """Every operation of a new run and of one that goes on; some 700 cases, of two processes each."""
    training = TORTURED["hinge, mlp"]
    first, *cases = outcomes(
        tmp_path / "cases", shim(tmp_path), work=training.work, settings=training.settings, cases=[(mode, 0, 1)]
    )
    assert all(len(kinds) > 50 for kinds in first["operations"].values())
    if mode in ("kill", "fail"):
        assert len(cases) == sum(map(len, first["operations"].values()))
    assert {case["phase"] for case in cases} == {"new", "resume"}
    assert [case for case in cases if case["trouble"]] == []
    assert {case["code"] for case in cases} <= CODES[mode]


def test_a_run_that_is_killed_while_a_checkpoint_is_written_beside_it_goes_on_to_the_same_numbers(tmp_path):
    """Which operation is the n-th one, that of the training or that of the thread, is chance here."""
    training = TORTURED["hinge, mlp"]
    settings = training.settings | {"in_turn": False}
    kills = [("kill", 60, 30)]
    first, *cases = outcomes(tmp_path / "cases", shim(tmp_path), work=training.work, settings=settings, cases=kills)
    assert len(cases) >= 2 * len(first["operations"])
    assert [case["trouble"] for case in cases if case["trouble"]] == []


@pytest.mark.parametrize("name", ["pictures", "evaluating"])
def test_what_is_killed_outside_of_runs_comes_to_the_same(tmp_path, name):
    """One kill in each phase; what takes longer is left to ``make torture``."""
    first, *cases = outcomes(tmp_path / "cases", shim(tmp_path), work=name, settings={}, cases=[("kill", 1, 200)])
    assert [case["phase"] for case in cases] == list(first["operations"])
    assert [case["trouble"] for case in cases if case["trouble"]] == []
    assert {case["code"] for case in cases} == {None}
