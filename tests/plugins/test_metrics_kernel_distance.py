from __future__ import annotations

import pytest
import torch
from ganzoo_metrics import kernel_distance as module
from ganzoo_metrics import pairs
from ganzoo_metrics.kernel_distance import GROUPS, KernelDistance, kernel_distance
from measured_features import measure, normal, with_threads

from ganzoo.errors import ConfigError


def by_loops(real, fake):
    """The U-statistic, pair by pair."""

    def k(x, y):
        return (float(x @ y) / len(x) + 1) ** 3

    n, m = len(real), len(fake)
    within_real = sum(k(real[i], real[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_fake = sum(k(fake[i], fake[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_real + within_fake - 2 * sum(k(x, y) for x in real for y in fake) / (n * m)


def test_it_is_the_mean_over_all_pairs_but_those_of_a_sample_with_itself():
    real, fake = normal(41, 3, seed=0), normal(47, 3, seed=1, mean=0.4)
    assert measure(KernelDistance, real, fake)["kd"] == pytest.approx(by_loops(real, fake), rel=1e-10)


def test_its_error_is_a_jackknife_that_leaves_out_a_group_at_a_time():
    real, fake = normal(60, 4, seed=0), normal(50, 4, seed=1, mean=0.3)
    groups = [module._groups(side) for side in (real, fake)]
    assert all(torch.bincount(one, minlength=GROUPS).diff().abs().max() <= 1 for one in groups)
    parts = [by_loops(real[groups[0] != g], fake[groups[1] != g]) for g in range(GROUPS)]
    without = torch.tensor(parts, dtype=torch.float64)
    expected = ((GROUPS - 1) / GROUPS * (without - without.mean()).square().sum()).sqrt()
    assert kernel_distance(real, fake)[1] == pytest.approx(float(expected), rel=1e-8)


def test_blocks_of_rows_do_not_change_it(monkeypatch):
    real, fake = normal(90, 3, seed=0), normal(70, 3, seed=1)
    whole = kernel_distance(real, fake)
    monkeypatch.setattr(pairs, "TILE", 17)
    assert kernel_distance(real, fake) == pytest.approx(whole, rel=1e-10)


def test_equal_distributions_have_expectation_0_and_the_stated_error():
    """Over 300 pairs of sets: the mean is 0 within its own error, and the errors are those that values scatter by."""
    found = torch.tensor(
        [kernel_distance(normal(40, 6, seed=seed), normal(60, 6, seed=1000 + seed)) for seed in range(300)]
    )
    mean, scatter = found[:, 0].mean(), found[:, 0].std()
    assert abs(mean) < 3 * scatter / 300**0.5
    assert (found[:, 0] < 0).float().mean() > 0.3
    assert 0.7 < found[:, 1].square().mean().sqrt() / scatter < 1.5


def test_a_shift_is_several_errors_away():
    value, error = kernel_distance(normal(200, 8, seed=0), normal(200, 8, seed=1, mean=1.0))
    assert value > 5 * error > 0


@pytest.mark.parametrize("unit", [False, True])
def test_neither_order_nor_threads_matter(unit):
    """Also where every row sums to 1, as probabilities do."""
    real, fake = (normal(n, 6, seed=n).softmax(1) if unit else normal(n, 6, seed=n) for n in (203, 150))
    one, two = (with_threads(count, lambda: kernel_distance(real, fake)) for count in (1, 2))
    assert one == pytest.approx(two, rel=1e-9)
    order = torch.randperm(203, generator=torch.Generator().manual_seed(0))
    assert kernel_distance(real[order], fake.flip(0)) == pytest.approx(one, rel=1e-9)


def test_samples_that_are_all_alike():
    """k is the same for all pairs, so the distance is k(r, r) + k(f, f) − 2 k(r, f), without an error."""
    real, fake = torch.ones(40, 2).double(), torch.full((50, 2), 2.0).double()
    assert kernel_distance(real, fake) == pytest.approx((8 + 125 - 2 * 27, 0), abs=1e-9)
    assert kernel_distance(real, real) == pytest.approx((0, 0), abs=1e-9)


@pytest.mark.parametrize(("counts", "side"), [((39, 40), "real"), ((40, 39), "generated")])
def test_too_few_samples_for_its_groups(counts, side):
    with pytest.raises(ConfigError, match=f"at least 40 {side} samples"):
        measure(KernelDistance, *(torch.zeros(count, 3) for count in counts))
    assert KernelDistance.spreads == {"kd": "kd_std"}
