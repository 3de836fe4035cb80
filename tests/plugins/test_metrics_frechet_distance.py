from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ganzoo_metrics.frechet_distance import FrechetDistance, frechet_distance
from hypothesis import given
from hypothesis import strategies as st
from measured_features import measure, normal, with_threads

from ganzoo.errors import ConfigError
from ganzoo.protocols import Features


def exact(n, mean, variances, *, seed):
    """Rows whose sample mean and covariance are exactly ``mean`` and diag(``variances``)."""
    drawn = normal(n, len(variances), seed=seed)
    basis = torch.linalg.qr(drawn - drawn.mean(0))[0]
    return basis * math.sqrt(n - 1) * torch.tensor(variances).double().sqrt() + torch.tensor(mean).double()


def by_sqrtm(real, fake):
    linalg = pytest.importorskip("scipy.linalg")
    real, fake = real.numpy(), fake.numpy()
    one, other = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = linalg.sqrtm(one @ other)
    return ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(one) + np.trace(other) - 2 * np.trace(root).real


def test_gaussians_of_known_moments():
    real = exact(50, [1.0, 2.0, 3.0], [1.0, 4.0, 9.0], seed=0)
    fake = exact(70, [0.0, 2.0, 5.0], [4.0, 4.0, 1.0], seed=1)
    expected = (1 + 0 + 4) + (1 - 2) ** 2 + 0 + (3 - 1) ** 2
    assert measure(FrechetDistance, real, fake) == {"fd": pytest.approx(expected, rel=1e-12)}


def test_covariances_that_do_not_commute_by_the_formula_of_two_by_two():
    """tr (Σ_r Σ_f)^½ = (tr Σ_r Σ_f + 2 √det Σ_r Σ_f)^½ for 2×2 matrices."""
    real, fake = normal(40, 2, seed=0) @ torch.tensor([[2.0, 1], [0, 1]]).double(), normal(30, 2, seed=1)
    one, other = real.T.cov(), fake.T.cov()
    product = one @ other
    root = (product.trace() + 2 * product.det().sqrt()).sqrt()
    expected = (real.mean(0) - fake.mean(0)).square().sum() + one.trace() + other.trace() - 2 * root
    assert frechet_distance(real, fake) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("numbers", [(60, 80), (9, 80), (8, 8), (3, 5), (2, 2)])
def test_it_is_the_matrix_square_root_and_its_limit_where_a_covariance_is_singular(numbers):
    """tr (Σ_r Σ_f)^½ = tr (Σ_r^½ Σ_f Σ_r^½)^½, whose roots are of eigenvalues and need no full rank."""
    real, fake = (normal(n, 8, seed=seed) @ normal(8, 8, seed=3) for seed, n in enumerate(numbers))
    real = real + 0.3
    one, other = (side.T.cov() for side in (real, fake))
    values, vectors = torch.linalg.eigh(one)
    half = vectors * values.clamp(min=0).sqrt() @ vectors.T
    root = torch.linalg.eigvalsh(half @ other @ half).clamp(min=0).sqrt().sum()
    expected = (real.mean(0) - fake.mean(0)).square().sum() + one.trace() + other.trace() - 2 * root
    assert frechet_distance(real, fake) == pytest.approx(float(expected), rel=1e-6)
    if min(numbers) > 8:
        assert frechet_distance(real, fake) == pytest.approx(by_sqrtm(real, fake), rel=1e-9)


def test_2048_features_of_500_samples():
    """A matrix square root of a covariance of rank 499 has no such digits."""
    x = normal(500, 2048, seed=0, mean=0.5)
    spread, place = float(x.var(0).sum()), float(x.mean(0).square().sum())
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(x, x + 1) == pytest.approx(2048, rel=1e-10)
    assert frechet_distance(x, 2 * x) == pytest.approx(spread + place, rel=1e-10)


@given(seed=st.integers(0, 10_000), n=st.integers(2, 12), m=st.integers(2, 12), width=st.integers(1, 6))
def test_it_is_a_symmetric_distance_that_rotation_and_translation_do_not_change(seed, n, m, width):
    real, fake = normal(n, width, seed=seed), normal(m, width, seed=seed + 1, std=2)
    found = frechet_distance(real, fake)
    turn = torch.linalg.qr(normal(width, width, seed=seed + 2))[0]
    assert found >= 0
    assert frechet_distance(fake, real) == pytest.approx(found, abs=1e-9)
    assert frechet_distance(real @ turn + 3, fake @ turn + 3) == pytest.approx(found, abs=1e-8)
    assert frechet_distance(2 * real, 2 * fake) == pytest.approx(4 * found, abs=1e-8)


def test_far_from_the_origin_it_keeps_its_digits():
    real, fake = normal(50, 4, seed=0), normal(50, 4, seed=1)
    assert frechet_distance(real + 1e4, fake + 1e4) == pytest.approx(frechet_distance(real, fake), rel=1e-7)


def test_samples_that_are_all_alike():
    """A point mass at c: fd = ‖μ − c‖² + tr Σ."""
    real = normal(30, 5, seed=0)
    expected = float(real.mean(0).sub(2).square().sum() + real.var(0).sum())
    assert frechet_distance(real, torch.full((30, 5), 2.0).double()) == pytest.approx(expected, rel=1e-12)
    assert frechet_distance(torch.zeros(3, 5).double(), torch.zeros(4, 5).double()) == 0


def test_neither_order_nor_threads_matter():
    real, fake = normal(300, 40, seed=0), normal(200, 40, seed=1)
    one, two = (with_threads(count, lambda: frechet_distance(real, fake)) for count in (1, 2))
    assert one == pytest.approx(two, rel=1e-12)
    assert frechet_distance(real.flip(0), fake.flip(0)) == pytest.approx(one, rel=1e-12)


@pytest.mark.parametrize(("counts", "side"), [((1, 5), "real"), ((5, 1), "generated"), ((0, 5), "real")])
def test_one_sample_has_no_covariance(counts, side):
    with pytest.raises(ConfigError, match=f"at least 2 {side} samples"):
        measure(FrechetDistance, *(torch.zeros(count, 3) for count in counts))
    with pytest.raises(ConfigError, match="at least 2 real samples"):
        measure(FrechetDistance, None, torch.zeros(5, 3))


@pytest.mark.parametrize(("n", "warned"), [(9, True), (8, True), (10, False)])
def test_a_covariance_of_too_few_samples_is_warned_of(n, warned):
    """n samples have a covariance of rank n − 1."""
    sides = {"real": Features(features=normal(20, 9, seed=0)), "fake": Features(features=normal(n, 9, seed=1))}
    notes = FrechetDistance().warnings(**sides)
    assert len(notes) == warned
    assert all(f"{n:,} samples are too few" in note and "--metric kernel-distance" in note for note in notes)
