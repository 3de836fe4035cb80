from __future__ import annotations

import pytest
import torch
from ganzoo_metrics import nearest_neighbor as module
from ganzoo_metrics.nearest_neighbor import NearestNeighbor
from hypothesis import given
from hypothesis import strategies as st
from measured_features import measure, normal, with_threads

from ganzoo.errors import ConfigError


def by_loops(trained, fake, quantile):
    def nearest(x, others):
        return min(float((x - y).norm()) for y in others)

    among = sorted(nearest(x, [y for j, y in enumerate(trained) if j != i]) for i, x in enumerate(trained))
    threshold = among[int(quantile * (len(among) - 1))]
    found = sorted(nearest(f, trained) for f in fake)
    middle = (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2
    return {"copies": sum(d <= threshold + 1e-9 for d in found) / len(found), "nearest": middle}


@given(
    seed=st.integers(0, 10_000), n=st.integers(2, 14), m=st.integers(1, 9), quantile=st.sampled_from([0.01, 0.3, 0.9])
)
def test_it_is_the_rule_applied_sample_by_sample(seed, n, m, quantile):
    trained, fake = normal(n, 2, seed=seed), normal(m, 2, seed=seed + 1)
    found = measure(NearestNeighbor, trained, fake, quantile=quantile)
    assert found == {name: pytest.approx(value, abs=1e-7) for name, value in by_loops(trained, fake, quantile).items()}


def test_of_data_of_the_same_kind_about_the_quantile_are_copies():
    """A held-out sample is as near as a training sample is to the others."""
    trained, unseen = normal(2000, 3, seed=0), normal(2000, 3, seed=1)
    assert measure(NearestNeighbor, trained, unseen, quantile=0.1)["copies"] == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_repeated_training_samples_are_counted(share):
    trained, fake = normal(400, 64, seed=0, mean=3.0).float(), normal(200, 64, seed=1, mean=3.0).float()
    repeated = int(200 * share)
    fake[:repeated] = trained[100 : 100 + repeated]
    assert measure(NearestNeighbor, trained, fake)["copies"] == pytest.approx(share, abs=0.04)


def test_copies_are_noticed_where_the_training_data_repeat_themselves():
    """The quantile is then 0, and rounding must not lift a copy above it."""
    trained = normal(100, 1280, seed=0, mean=3.0).repeat(2, 1)
    fake = torch.cat([trained[:30].flip(0), normal(70, 1280, seed=1, mean=3.0)])
    assert measure(NearestNeighbor, trained, fake)["copies"] == 0.3


def test_samples_that_are_all_alike():
    trained, alike = normal(30, 6, seed=0), torch.full((9, 6), 0.1).double()
    assert measure(NearestNeighbor, alike, alike) == {"copies": 1.0, "nearest": pytest.approx(0, abs=1e-7)}
    assert measure(NearestNeighbor, trained, alike + 9)["copies"] == 0.0


@pytest.mark.parametrize("unit", [False, True])
def test_neither_order_nor_threads_matter(unit, monkeypatch):
    """Also where some of the training samples alone say how near they are to each other."""
    monkeypatch.setattr(module, "MOST", 40)
    trained, fake = (normal(n, 6, seed=n).softmax(1) if unit else normal(n, 6, seed=n) for n in (150, 90))
    one, two = (with_threads(k, lambda: measure(NearestNeighbor, trained, fake, quantile=0.3)) for k in (1, 2))
    order = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    other = measure(NearestNeighbor, trained[order], fake.flip(0), quantile=0.3)
    assert one == pytest.approx(two)
    assert one == pytest.approx(other)


def test_all_training_samples_are_compared_with():
    assert NearestNeighbor.whole_reference


@pytest.mark.parametrize(("counts", "words"), [((1, 5), "at least 2 real"), ((5, 0), "at least 1 generated")])
def test_too_few(counts, words):
    with pytest.raises(ConfigError, match=words):
        measure(NearestNeighbor, *(torch.zeros(count, 3) for count in counts))
