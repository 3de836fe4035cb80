"""Student's t against scipy, and its closed forms."""

from __future__ import annotations

import math

import pytest

from ganzoo.studies.student import holm, interval, quantile, two_sided, welch

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("freedom", [1, 1.7, 2, 4.3, 10, 250])
@pytest.mark.parametrize("t", [0.0, 0.01, 0.7, 2.5, 40.0])
def test_probabilities(t, freedom):
    assert two_sided(t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), rel=1e-10)
    assert two_sided(-t, freedom) == two_sided(t, freedom)


def test_one_degree_of_freedom_is_cauchys_distribution():
    assert two_sided(1.0, 1) == pytest.approx(0.5)
    assert quantile(0.5, 1) == pytest.approx(1.0)


@pytest.mark.parametrize("freedom", [1, 2, 4, 29])
def test_quantiles(freedom):
    assert quantile(0.95, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-10)


def test_an_interval():
    values = [1.0, 2.0, 4.0]
    expected = stats.t.interval(0.95, 2, loc=7 / 3, scale=stats.sem(values))
    assert interval(values) == pytest.approx(expected)
    assert interval([3.0]) is None
    assert interval([3.0, 3.0]) == (3.0, 3.0)


def test_an_interval_is_cut_off_at_the_ends_of_what_a_number_can_be():
    low, high = interval([0.9, 1.0, 0.95])
    assert high > 1
    assert interval([0.9, 1.0, 0.95], within=(0, 1)) == (low, 1)
    assert interval([0.1, 0.0, 0.05], within=(0, 1)) == (0, pytest.approx(1 - low))
    assert interval([3.0, 3.5], within=(-10, 10)) == interval([3.0, 3.5])
    assert interval([1.0], within=(0, 1)) is None
    assert interval([0.1, 9.0], within=(0, None)) == (0, interval([0.1, 9.0])[1])


def test_welch():
    one, other = [1.0, 2.0, 4.0, 3.5], [2.0, 9.0, 5.0]
    assert welch(one, other) == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue, rel=1e-10)
    assert welch(one, one) == pytest.approx(1.0)


def test_where_the_test_says_nothing():
    assert welch([1.0], [2.0, 3.0]) is None
    assert welch([1.0, 1.0], [2.0, 2.0]) is None


def test_holms_correction():
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    assert all(math.isfinite(value) for value in holm([0.5]) if value is not None)
