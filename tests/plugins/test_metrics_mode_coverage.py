"""Mode coverage against cases counted by hand, closed forms, and what a perfect sampler scores."""

from __future__ import annotations

import math

import pytest
import torch
from ganzoo_datasets.grid import Grid
from ganzoo_datasets.ring import Ring
from ganzoo_metrics.mode_coverage import ModeCoverage
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganzoo.errors import ConfigError
from ganzoo.protocols import Features

CORNERS = torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [8.0, 8.0]], dtype=torch.float64)


def measure(samples, *, modes=CORNERS, std=1.0, **options):
    samples = samples if isinstance(samples, torch.Tensor) else torch.tensor(samples)
    real = Features(modes=modes, mode_std=std)
    return ModeCoverage(**options)(real=real, fake=Features(images=samples), random=torch.Generator())


def by_loops(samples, modes, std, within):
    """The rule, sample by sample."""
    hits = [0] * len(modes)
    for x in samples.tolist():
        distances = [math.dist(x, center) for center in modes.tolist()]
        if min(distances) < within * std:
            hits[distances.index(min(distances))] += 1
    good = sum(hits)
    entropy = -sum(hit / good * math.log(hit / good) for hit in hits if hit) if good else 0.0
    return {
        "modes": sum(hit > 0 for hit in hits),
        "high_quality": good / len(samples),
        "reverse_kl": math.log(len(modes)) - entropy,
    }


@pytest.mark.parametrize("options", [Ring, Grid])
def test_a_perfect_sampler_scores_less_than_everything(options):
    """1 − e^(−9/2) = 98.9 %, within five standard errors; all modes; hardly any divergence."""
    data = options(n=50_000).open(image_size=None, channels=None, split="test", cache=None)
    found = measure(data.read(torch.arange(50_000)), modes=data.modes, std=data.mode_std)
    perfect = 1 - math.exp(-4.5)
    assert abs(found["high_quality"] - perfect) < 5 * math.sqrt(perfect * (1 - perfect) / 50_000)
    assert found["modes"] == len(data.modes)
    assert 0 <= found["reverse_kl"] < 1e-4


def test_a_case_counted_by_hand():
    """Six samples: two at the first corner, one at the second, three far away."""
    found = measure([[0.0, 0.0], [1.0, 1.0], [8.0, 2.9], [4.0, 4.0], [100.0, 0.0], [0.0, 4.0]])
    assert found["modes"] == 2
    assert found["high_quality"] == pytest.approx(3 / 6)
    assert found["reverse_kl"] == pytest.approx(math.log(4) - (math.log(3) - 2 / 3 * math.log(2)), abs=1e-12)


@pytest.mark.parametrize(
    ("sample", "captured"), [([3.0, 0.0], 0), ([2.999, 0.0], 1), ([1.8, 2.4], 0), ([1.8, 2.39], 1)]
)
def test_the_boundary_is_outside(sample, captured):
    # 1.8² + 2.4² = 3², exactly so only in float64.
    assert measure(torch.tensor([sample], dtype=torch.float64))["modes"] == captured


def test_within_is_counted_in_standard_deviations():
    sample = [[0.0, 0.875]]
    assert measure(sample, std=0.5, within=1.75)["modes"] == 0
    assert measure(sample, std=0.5, within=1.76)["modes"] == 1


def test_a_sample_between_two_modes_counts_once():
    """Equally far from both: it is the first's."""
    modes = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    found = measure([[0.0, 0.0]], modes=modes)
    assert found == {"modes": 1.0, "high_quality": 1.0, "reverse_kl": pytest.approx(math.log(2))}


def test_a_mode_needs_a_high_quality_sample_not_just_a_near_one():
    """Known mistake: to count the modes that are nearest to any sample."""
    found = measure([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [5.0, 5.0]])
    assert (found["modes"], found["high_quality"]) == (1, 0.25)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_reverse_kl_of_equal_shares_is_the_log_of_what_is_missing(count):
    found = measure(CORNERS[:count].repeat(5, 1))
    assert found["reverse_kl"] == pytest.approx(math.log(4 / count), abs=1e-12)


def test_no_high_quality_sample_is_the_worst_of_all():
    assert measure([[100.0, 100.0], [-50.0, 3.0]]) == {"modes": 0, "high_quality": 0, "reverse_kl": math.log(4)}


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_of_low_quality(strange):
    found = measure([[strange, 0.0], [strange, strange], [0.0, 0.0], [8.0, 8.0]])
    assert (found["modes"], found["high_quality"]) == (2, 0.5)
    assert found["reverse_kl"] == pytest.approx(math.log(2))


def test_distances_far_from_the_origin_keep_their_precision():
    """Known mistake: ‖x‖² − 2x·c + ‖c‖² in float32, which loses a small std beside large centers."""
    modes = torch.tensor([[1000.0, 1000.0 + 2 * k] for k in range(40)], dtype=torch.float64)
    samples = modes.repeat(2, 1) + torch.tensor([0.0, 0.125])
    found = measure(samples.float(), modes=modes, std=0.05)
    assert found == {"modes": 40, "high_quality": 1, "reverse_kl": pytest.approx(0, abs=1e-12)}


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 40),
    modes=st.integers(1, 6),
    width=st.integers(1, 4),
    within=st.floats(0.1, 5),
)
def test_it_is_the_rule_applied_sample_by_sample(seed, count, modes, width, within):
    generator = torch.Generator().manual_seed(seed)
    centers = torch.randn(modes, width, generator=generator, dtype=torch.float64)
    samples = torch.randn(count, width, generator=generator, dtype=torch.float64)
    found = measure(samples, modes=centers, std=0.5, within=within)
    expected = by_loops(samples, centers, 0.5, within)
    assert found == {name: pytest.approx(value, abs=1e-9) for name, value in expected.items()}
    assert 0 <= found["reverse_kl"] <= math.log(modes)


def test_what_the_core_reads():
    metric = ModeCoverage().build(spec=None)
    assert (metric.samples, metric.within) == (2500, 3.0)
    assert metric.needs == {"images", "modes"}
    assert metric.higher_is_better
    assert next(iter(measure([[0.0, 0.0]]))) == "modes"
    for wrong in ({"samples": 0}, {"within": 0}, {"within": math.inf}, {"needs": frozenset()}):
        with pytest.raises(ValidationError):
            ModeCoverage(**wrong)


@pytest.mark.parametrize(
    ("samples", "real", "words"),
    [
        (torch.zeros(3, 2), Features(), "known modes"),
        (torch.zeros(3, 2), Features(modes=CORNERS), "a known spread"),
        (torch.zeros(3, 1, 8, 8), Features(modes=CORNERS, mode_std=1.0), "vectors"),
        (None, Features(modes=CORNERS, mode_std=1.0), "vectors"),
        (torch.zeros(3, 5), Features(modes=CORNERS, mode_std=1.0), "same dimension"),
        (torch.zeros(0, 2), Features(modes=CORNERS, mode_std=1.0), "same dimension"),
    ],
)
def test_refusals(samples, real, words):
    with pytest.raises(ConfigError, match=words):
        ModeCoverage()(real=real, fake=Features(images=samples), random=torch.Generator())
