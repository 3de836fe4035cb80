"""Charts as geometry: where values stand, what becomes of many, of outliers and of what is not finite."""

import math
import re

import pytest

from ganzoo.planning.goal import Goal
from ganzoo.report.chart import BOTTOM, HEIGHT, LEFT, MOST_POINTS, RIGHT, TOP, WIDTH, line_chart
from ganzoo.report.curves import charts
from ganzoo.report.scale import Scale, around
from ganzoo.report.words import count, duration, named, number


def corners(path):
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


class TestScales:
    @pytest.mark.parametrize(
        ("low", "high", "ticks"),
        [
            (0, 10, [0, 2, 4, 6, 8, 10]),
            (-0.31, 0.29, [-0.2, 0, 0.2]),
            (0.1, 0.7, [0.2, 0.4, 0.6]),
            (99_990, 100_010, [99_990, 99_995, 100_000, 100_005, 100_010]),
        ],
    )
    def test_round_values(self, low, high, ticks):
        assert Scale(low=low, high=high).ticks() == ticks

    @pytest.mark.parametrize(
        ("low", "high", "ticks"), [(0.5, 5000, [1, 10, 100, 1000]), (3, 30, [5, 10, 20]), (0.11, 0.13, [0.11, 0.13])]
    )
    def test_decades(self, low, high, ticks):
        assert Scale(low=low, high=high, log=True).ticks() == pytest.approx(ticks)

    def test_shares(self):
        assert [Scale(low=2, high=4).share(value) for value in (1, 2, 3.5, 4, 9)] == [0, 0, 0.75, 1, 1]
        assert Scale(low=1, high=100, log=True).share(10) == pytest.approx(0.5)

    @pytest.mark.parametrize("values", [[], [math.nan], [0.0], [5.0, 5.0], [-3.0], [1e-300], [1e300, -1e300]])
    @pytest.mark.parametrize("log", [False, True])
    def test_any_values_have_a_scale_with_ticks(self, values, log):
        scale = around(values, log=log)
        assert scale.low < scale.high
        assert all(scale.low <= tick <= scale.high for tick in scale.ticks())
        assert 1 <= len(scale.ticks()) <= 12


class TestLines:
    def test_ends_stand_where_they_should(self):
        chart = line_chart("x", {"a": [(0, 0.0), (50, 0.5), (100, 1.0)]}, smooth=False)
        (left, low), _, (right, high) = corners(chart.lines[0].mean)
        assert (left, right) == (LEFT, WIDTH - RIGHT)
        inner = HEIGHT - TOP - BOTTOM
        assert (low, high) == pytest.approx((HEIGHT - BOTTOM - inner * 0.06 / 1.12, TOP + inner * 0.06 / 1.12), abs=0.1)

    def test_what_is_not_finite_is_a_gap(self):
        chart = line_chart("x", {"a": [(0, 1.0), (1, 2.0), (2, math.nan), (3, math.inf), (4, 1.0), (5, 2.0)]})
        assert re.sub(r"[\d. ]", "", chart.lines[0].mean) == "MLML"
        assert line_chart("x", {"a": [(0, math.nan)], "b": []}) is None

    def test_many_values_are_few_corners_that_reach_as_far(self):
        values = [(step, math.sin(step)) for step in range(20_000)]
        [line] = line_chart("x", {"a": values}, smooth=False).lines
        assert len(corners(line.mean)) <= MOST_POINTS
        assert len(corners(line.all)) <= 2 * MOST_POINTS
        ys = [y for _, y in corners(line.all)]
        chart = line_chart("x", {"a": [(0, -1.0), (1, 1.0)]}, smooth=False)
        assert (max(ys), min(ys)) == pytest.approx(tuple(y for _, y in corners(chart.lines[0].mean)), abs=0.11)

    def test_one_outlier_does_not_flatten_the_rest_and_is_told(self):
        values = [(step, float(step % 3)) for step in range(1000)]
        spiked = [*values[:500], (500, 1e6), *values[501:]]
        assert line_chart("x", {"a": values}).note is None
        chart = line_chart("x", {"a": spiked})
        assert [label for _, label in chart.y_ticks] == [label for _, label in line_chart("x", {"a": values}).y_ticks]
        assert "0 to 1,000,000" in chart.note

    def test_a_single_goal_is_always_seen(self):
        chart = line_chart("x", {"a": [(0, 10.0), (1, 11.0)]}, goal=(2.0, 2.0))
        assert TOP < chart.goal < HEIGHT - BOTTOM
        assert "p_g = p_data: 2" in chart.description
        assert chart.band is None

    def test_a_band_is_cut_off_at_the_frame(self):
        chart = line_chart("x", {"a": [(0, 0.0), (1, 1.0)]}, goal=(-1e9, 0.5))
        assert chart.band[1] == HEIGHT - BOTTOM
        assert chart.band[0] == pytest.approx((TOP + HEIGHT - BOTTOM) / 2, abs=0.1)
        assert chart.goal is None

    def test_in_decades_zero_has_no_place(self):
        [line] = line_chart("x", {"a": [(0, 0.0), (1, 1.0), (2, 10.0)]}, log=True, smooth=False).lines
        assert len(corners(line.mean)) == 2

    def test_it_is_told_in_words(self):
        chart = line_chart("Loss", {"a": [(10, 1.0), (20, 3.0)], "b": [(10, 5.0), (20, math.nan)]})
        assert chart.description == "Loss. a: 1 at step 10, 3 at step 20; b: 5 at step 10, 5 at step 10."


def test_a_run_has_its_terms_its_logits_and_its_metrics():
    row = {"d/total": 3.0, "d/adversarial": 2.0, "d/r1": 1.0, "g/total": 0.5, "g/adversarial": 0.5}
    row |= {"logits/real": 1.0, "logits/fake": -1.0, "grad_norm/d": 1.0, "grad_norm/g": 2.0}
    rows = [{"step": 1, **row}, {"step": 2, **row, "metric/mode-coverage/reverse_kl": 0.1}]
    found = {chart.title: chart for chart in charts(rows, Goal(values={"d": 2.0}, logits=(-1.0, 1.0)))}
    assert {title: [line.label for line in chart.lines] for title, chart in found.items()} == {
        "Objective of the discriminator": ["total", "adversarial", "r1"],
        "Objective of the generator": ["objective"],
        "Mean logit": ["real", "fake"],
        "Gradient norm": ["discriminator", "generator"],
        "mode-coverage/reverse kl": ["mode-coverage/reverse kl"],
    }
    assert found["Objective of the discriminator"].goal_label == "adversarial at p_g = p_data"
    assert found["Mean logit"].band is not None
    assert charts([], Goal()) == []


def test_a_metric_of_the_training_has_its_floor():
    rows = [{"step": step, "metric/a/fd": 9.0 - step, "floor/a/fd": 0.5, "metric/b/modes": 1.0} for step in (1, 2, 3)]
    with_floor, without = charts(rows, Goal())
    assert "6 at step 3; real against real: 0.5" in with_floor.description
    assert TOP < with_floor.goal < HEIGHT - BOTTOM
    assert without.goal is None


def test_numbers_as_people_read_them():
    assert [number(value) for value in (None, math.nan, 0.000012345, 12.3456, 123456.7)] == [
        "–",
        "not finite",
        "1.234e-05",
        "12.35",
        "123,457",
    ]
    assert [duration(seconds) for seconds in (None, 5, 90, 5400, 200_000)] == [
        "–",
        "5 s",
        "1.5 min",
        "1.5 h",
        "2.31 days",
    ]
    assert (count(20_000), count(None)) == ("20,000", "–")
    assert [named(list(things)) for things in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
