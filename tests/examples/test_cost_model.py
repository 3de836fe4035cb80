from __future__ import annotations

import pytest
from example_scripts import load


@pytest.fixture(scope="module")
def model():
    return load("benchmarks/cost_model.py")


def test_a_ring_of_one_costs_nothing(model):
    link = model.Link(latency=1.0, bandwidth=1.0)
    assert link.seconds(1e9, 1) == link.seconds(1e9, 1, shape="tree") == 0


def test_a_ring_passes_on_every_part_but_its_own_twice(model):
    """Two processes send half of a tensor twice; four send three quarters twice, in six hops."""
    link = model.Link(latency=10.0, bandwidth=4.0)
    assert link.seconds(8, 2) == 2 * 10 + 8 / 4
    assert link.seconds(8, 4) == 6 * 10 + 1.5 * 8 / 4
    assert link.seconds(8, 4, shape="tree") == 4 * 10 + 1.5 * 8 / 4
    assert link.seconds(8, 512, shape="tree") == 18 * 10 + 2 * 511 / 512 * 8 / 4


def test_known_coefficients_are_found_again(model):
    compute = model.Compute(constant=0.02, per_gflop=0.015)
    gflop = [1.5, 3, 12, 100, 400]
    found = model.fit_compute(gflop, [compute.seconds(each) for each in gflop])
    assert (found.constant, found.per_gflop) == (pytest.approx(0.02), pytest.approx(0.015))
    link = model.Link(latency=5e-5, bandwidth=2e9)
    points = [(ranks, size) for ranks in (2, 3) for size in (1e3, 1e5, 64e6)]
    found = model.fit_link(*zip(*points, strict=True), [link.seconds(size, ranks) for ranks, size in points])
    assert (found.latency, found.bandwidth) == (pytest.approx(5e-5), pytest.approx(2e9))


def test_large_and_small_points_count_alike(model):
    """The third point is met by the slope, whatever the constant; that one is missed by shares, as 1 / t weighs."""
    found = model.fit_compute([0.0, 0.0, 1.0], [1.0, 3.0, 5.0])
    assert found.constant == pytest.approx((1 / 1 + 1 / 3) / (1 / 1 + 1 / 9))
    assert found.seconds(1.0) == pytest.approx(5)


def test_a_step_is_what_is_computed_and_what_is_told(model):
    compute, link = model.Compute(constant=1.0, per_gflop=2.0), model.Link(latency=0.5, bandwidth=4.0)
    of_one, of_two = (model.step_seconds(compute, link, gflop=3.0, exchanges=[8, 4], ranks=ranks) for ranks in (1, 2))
    assert of_one == 7
    assert of_two == 7 + (1 + 2) + (1 + 1)
    assert model.errors([of_two], [of_one]) == [pytest.approx(5 / 7)]
