"""What an evaluation tells of its progress, and how long it says the rest takes."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console
from test_judging import Pictures, generated, yardstick

from ganzoo.cli.evaluation_progress import left, pace_shown, words
from ganzoo.evaluation.judging import judge
from ganzoo.evaluation.outlook import watched
from ganzoo.evaluation.pace import EvaluationStage, Pace

HELD_OUT = Pictures(60)


def followed(tmp_path, tell=lambda pace: None, judgments=1):
    pace = Pace(tell)
    measured = yardstick(tmp_path, held_out=HELD_OUT)
    return watched(measured, pace, judgments=judgments, balanced=False), pace


class TestForeseen:
    def test_looks_are_those_that_are_made(self, tmp_path):
        """Samples, real and held-out pictures; of the next generator and the next evaluation samples alone."""
        seen = []
        measured, pace = followed(tmp_path, lambda pace: seen.append((pace.number, pace.share)), judgments=2)
        expected = [("samples", {"samples": 30, "means": 30}), ("shift[means]", {"means": 60})]
        later = [expected[0], ("shift[means]", {"means": 0})]
        assert [(stage.name, stage.looks) for stage in pace._stages] == [*expected, *later]
        for number in (1, 2):
            judge(measured, generated(Pictures(30)))
            assert (2 * number, 1.0 if number == 1 else 0.0) == seen[-1]
            assert (2 * number - 1, 1.0) in seen
        _, again = followed(tmp_path)
        assert [dict(stage.looks) for stage in again._stages] == [stage for _, stage in later]

    def test_numbers_are_those_of_an_evaluation_that_nobody_watches(self, tmp_path):
        measured, _ = followed(tmp_path)
        alone = yardstick(tmp_path, held_out=HELD_OUT)
        assert judge(measured, generated(Pictures(40))) == judge(alone, generated(Pictures(40)))


class TestTimeLeft:
    @pytest.fixture
    def clock(self):
        return SimpleNamespace(seconds=50.0)

    @pytest.fixture
    def pace(self, clock):
        pace = Pace(clock=lambda: clock.seconds)
        looks = {"samples": 100, "eye": 100}
        both = [EvaluationStage(name="samples", looks=looks), EvaluationStage(name="fd[eye]", looks={"eye": 200})]
        pace.foresee([*both, EvaluationStage(name="samples", looks=looks), EvaluationStage(name="fd[eye]")])
        return pace

    def test_by_the_seconds_of_a_picture_of_each_kind(self, pace):
        pace.begin("samples")
        pace.looked("samples", 10, 1.0)
        assert (left(pace), words(pace)) == ("", "1 of 4: 100 samples"), "no extractor has looked at anything"
        pace.looked("eye", 10, 2.0)
        assert pace.seconds_left == pytest.approx(0.1 * 190 + 0.2 * (90 + 200 + 100))
        assert left(pace) == "about 97 s left and 1 metric to compute"

    def test_what_a_metric_took_counts_for_the_next_generator(self, pace, clock):
        pace.begin("samples")
        pace.looked("samples", 100, 0.0)
        pace.looked("eye", 100, 100.0)
        clock.seconds += 100.0
        pace.begin("fd[eye]")
        pace.looked("eye", 200, 200.0)
        clock.seconds += 207.0
        pace.begin("samples")
        assert pace.seconds_left == pytest.approx(100 + 7)
        pace.looked("samples", 100, 0.0)
        pace.looked("eye", 100, 100.0)
        clock.seconds += 100.0
        pace.begin("fd[eye]")
        clock.seconds += 3.0
        assert (pace.seconds_left, left(pace)) == (pytest.approx(4.0), "about 4 s left")


def test_a_plain_line_for_each_stage_where_there_is_no_terminal(tmp_path):
    shown = Console(file=io.StringIO(), width=80, markup=False)
    with pace_shown(shown) as pace:
        measured = watched(yardstick(tmp_path), pace, judgments=1, balanced=False)
        judge(measured, generated(Pictures(40)))
    first, second = shown.file.getvalue().splitlines()
    assert first == "1 of 2: 30 samples"
    assert second.startswith("2 of 2: shift[means]; about 1 s left and 1 metric to compute")


def test_a_bar_fits_a_terminal():
    """The longest name of the usual metrics, through the extractor with the longest one."""
    shown = Console(file=io.StringIO(), width=80, force_terminal=True, markup=False)
    name = "precision-recall[efficientnet-lite0]"
    with pace_shown(shown) as pace:
        pace.foresee([EvaluationStage(name="samples"), EvaluationStage(name=name, looks={"eye": 5000})])
        pace.begin("samples")
        pace.begin(name)
        pace.looked("eye", 1000, 5 * 60.0)
    assert f"2 of 2: {name}" in shown.file.getvalue()
    assert "about 20 min + 1 metric" in shown.file.getvalue()
    assert "…" not in shown.file.getvalue()
