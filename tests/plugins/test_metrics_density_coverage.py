from __future__ import annotations

import pytest
import torch
from ganzoo_metrics import pairs
from ganzoo_metrics.density_coverage import DensityCoverage
from hypothesis import given
from hypothesis import strategies as st
from measured_features import measure, normal, with_threads

from ganzoo.errors import ConfigError


def by_loops(real, fake, k):
    radii = [sorted(float((x - y).norm()) for j, y in enumerate(real) if j != i)[k - 1] for i, x in enumerate(real)]
    filled = [sum(float((f - x).norm()) <= r + 1e-9 for f in fake) for x, r in zip(real, radii, strict=True)]
    return {"coverage": sum(n > 0 for n in filled) / len(real), "density": sum(filled) / (k * len(fake))}


@given(seed=st.integers(0, 10_000), n=st.integers(5, 14), m=st.integers(5, 14), k=st.integers(1, 4))
def test_it_is_the_rule_applied_sample_by_sample(seed, n, m, k):
    real, fake = normal(n, 2, seed=seed), normal(m, 2, seed=seed + 1, mean=0.5)
    found = measure(DensityCoverage, real, fake, neighbors=k)
    assert found == {name: pytest.approx(value, abs=1e-12) for name, value in by_loops(real, fake, k).items()}


def test_points_on_a_line():
    """Real 0, 1, 2, 10 with k 1 have the balls [−1, 1], [0, 2], [1, 3], [2, 18]: 1 is in three, 2.5 in two."""
    real, fake = (torch.tensor(points)[:, None] for points in ([0.0, 1, 2, 10], [1.0, 2.5, 30]))
    assert measure(DensityCoverage, real, fake, neighbors=1) == {"coverage": 1.0, "density": pytest.approx(5 / 3)}


def test_equal_distributions_have_density_1_and_coverage_1_minus_2_to_minus_k():
    runs = [measure(DensityCoverage, normal(150, 3, seed=s), normal(150, 3, seed=99 + s)) for s in range(30)]
    density, coverage = (torch.tensor([run[name] for run in runs]) for name in ("density", "coverage"))
    assert abs(density.mean() - 1) < 4 * density.std() / 30**0.5
    assert coverage.mean() == pytest.approx(1 - 2**-5, abs=0.01)


def test_an_outlier_fills_one_ball_alone():
    """Known weakness of precision: one ball that reaches everything."""
    real = torch.cat([normal(100, 2, seed=0), torch.tensor([[100.0, 100.0]]).double()])
    far = normal(100, 2, seed=1, mean=40.0)
    found = measure(DensityCoverage, real, far)
    assert found["coverage"] == pytest.approx(1 / 101)
    assert found["density"] == pytest.approx(1 / 5)


def test_copies_fill_each_ball_with_k_and_its_center():
    """Every neighbor on the sphere counts, whatever the rounding."""
    real = normal(60, 1280, seed=0, mean=3.0).float()
    assert measure(DensityCoverage, real, real.flip(0)) == {"coverage": 1.0, "density": pytest.approx(6 / 5, rel=1e-12)}


def test_samples_that_are_all_alike():
    real, alike = normal(30, 6, seed=0), torch.full((40, 6), 0.1).double()
    assert measure(DensityCoverage, alike, alike) == {"coverage": 1.0, "density": pytest.approx(40 / 5)}
    assert measure(DensityCoverage, real, alike + 9) == {"coverage": 0.0, "density": 0.0}


def test_neither_order_nor_threads_nor_blocks_matter(monkeypatch):
    real, fake = normal(120, 20, seed=0), normal(90, 20, seed=1)
    one, two = (with_threads(count, lambda: measure(DensityCoverage, real, fake)) for count in (1, 2))
    monkeypatch.setattr(pairs, "TILE", 7)
    assert one == two == measure(DensityCoverage, real.flip(0), fake.roll(5, 0))


@pytest.mark.parametrize(("counts", "side"), [((5, 6), "real"), ((6, 5), "generated")])
def test_more_samples_than_neighbors(counts, side):
    with pytest.raises(ConfigError, match=f"at least 6 {side} samples"):
        measure(DensityCoverage, *(torch.zeros(count, 3) for count in counts))
