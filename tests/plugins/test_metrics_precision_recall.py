from __future__ import annotations

import pytest
import torch
from ganzoo_metrics import pairs
from ganzoo_metrics.precision_recall import PrecisionRecall
from hypothesis import given
from hypothesis import strategies as st
from measured_features import measure, normal, with_threads

from ganzoo.errors import ConfigError


def share_within(rows, support, k):
    """Row by row, ball by ball."""
    radii = [
        sorted(float((x - y).norm()) for j, y in enumerate(support) if j != i)[k - 1] for i, x in enumerate(support)
    ]
    inside = [any(float((row - x).norm()) <= r + 1e-9 for x, r in zip(support, radii, strict=True)) for row in rows]
    return sum(inside) / len(rows)


@given(seed=st.integers(0, 10_000), n=st.integers(5, 14), m=st.integers(5, 14), k=st.integers(1, 4))
def test_it_is_the_rule_applied_sample_by_sample(seed, n, m, k):
    real, fake = normal(n, 2, seed=seed), normal(m, 2, seed=seed + 1, std=1.5, mean=0.5)
    found = measure(PrecisionRecall, real, fake, neighbors=k)
    assert found == {"precision": share_within(fake, real, k), "recall": share_within(real, fake, k)}


def test_points_on_a_line():
    """Real 0, 1, 2, 3 with k 1 have balls of radius 1: [−1, 4]. Generated 0, 4, 5 have radii 4, 1, 1."""
    real, fake = (torch.tensor(points)[:, None] for points in ([0.0, 1, 2, 3], [0.0, 4, 5]))
    assert measure(PrecisionRecall, real, fake, neighbors=1) == {"precision": 2 / 3, "recall": 1.0}


def test_dropped_modes_cost_recall_and_unlike_samples_cost_precision():
    left, right = normal(60, 2, seed=0), normal(60, 2, seed=1, mean=50.0)
    half = measure(PrecisionRecall, torch.cat([left, right]), normal(60, 2, seed=2))
    assert half["precision"] > 0.9
    assert half["recall"] < 0.55
    both = measure(PrecisionRecall, left, torch.cat([normal(60, 2, seed=2), right]))
    assert both["precision"] < 0.55
    assert both["recall"] > 0.9


def test_copies_have_both_in_full():
    real = normal(50, 1280, seed=0, mean=3.0).float()
    assert measure(PrecisionRecall, real, real.flip(0)) == {"precision": 1.0, "recall": 1.0}


def test_exact_ties_are_inside():
    """Each real sample is there four times, so its ball has radius 0; a copy is in it, and no other."""
    real = normal(40, 64, seed=0, mean=3.0).repeat(4, 1)
    fake = torch.cat([real[:40].flip(0), real[:40] + 0.1])
    assert measure(PrecisionRecall, real, fake, neighbors=3)["precision"] == 0.5


def test_samples_that_are_all_alike():
    real, alike = normal(30, 6, seed=0), torch.full((30, 6), 0.1).double()
    assert measure(PrecisionRecall, alike, alike) == {"precision": 1.0, "recall": 1.0}
    assert measure(PrecisionRecall, real, alike + 9) == {"precision": 0.0, "recall": 0.0}
    assert measure(PrecisionRecall, real, alike)["recall"] == 0.0


def test_neither_order_nor_threads_nor_blocks_matter(monkeypatch):
    real, fake = normal(120, 20, seed=0), normal(90, 20, seed=1)
    one, two = (with_threads(count, lambda: measure(PrecisionRecall, real, fake)) for count in (1, 2))
    monkeypatch.setattr(pairs, "TILE", 7)
    assert one == two == measure(PrecisionRecall, real.flip(0), fake.roll(5, 0))


@pytest.mark.parametrize(("counts", "side"), [((3, 4), "real"), ((4, 3), "generated")])
def test_more_samples_than_neighbors(counts, side):
    with pytest.raises(ConfigError, match=f"at least 4 {side} samples"):
        measure(PrecisionRecall, *(torch.zeros(count, 3) for count in counts))
