"""One pass over pairs of features for all metrics that look at them, and what follows from features found once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from ganzoo_metrics import pairs
from ganzoo_metrics.density_coverage import DensityCoverage
from ganzoo_metrics.frechet_distance import FrechetDistance
from ganzoo_metrics.kernel_distance import KernelDistance
from ganzoo_metrics.nearest_neighbor import NearestNeighbor
from ganzoo_metrics.neighbors import nearest_others
from ganzoo_metrics.pairs import tiles, within
from ganzoo_metrics.precision_recall import PrecisionRecall
from measured_features import normal

from ganzoo.protocols import FeatureFacts, Features

METRICS = (FrechetDistance(), KernelDistance(), PrecisionRecall(), DensityCoverage(), NearestNeighbor())


def with_facts(features, metrics=METRICS, found=None):
    return Features(
        features=features, facts=FeatureFacts(of=features, found={} if found is None else found, metrics=metrics)
    )


def numbers(real, fake, metrics=METRICS):
    return [metric(real=real, fake=fake, random=torch.Generator()) for metric in metrics]


@pytest.fixture
def passes(monkeypatch):
    """The numbers of rows and of others of each pass."""
    seen = []

    def counted(rows, others):
        seen.append((len(rows), None if others is None else len(others)))
        return tiles(rows, others)

    monkeypatch.setattr(pairs, "tiles", counted)
    return seen


@pytest.mark.parametrize("size", [1, 4, 7, 512])
def test_tiles_hold_all_distances_and_products(size, monkeypatch):
    monkeypatch.setattr(pairs, "TILE", size)
    rows, columns = normal(17, 5, seed=0, mean=3.0), normal(23, 5, seed=1).float()
    distances, products = torch.full((17, 23), torch.nan).double(), torch.full((17, 23), torch.nan).double()
    for tile in tiles(rows, columns):
        distances[tile.rows.which, tile.columns.which] = tile.distances
        products[tile.rows.which, tile.columns.which] = tile.products()
    direct = (rows[:, None] - columns[None].double()).square().sum(2)
    torch.testing.assert_close(distances, direct, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(products, rows @ columns.double().T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1, 4, 7, 512])
def test_each_pair_of_a_matrix_with_itself_comes_once(size, monkeypatch):
    monkeypatch.setattr(pairs, "TILE", size)
    matrix, seen = normal(17, 3, seed=0), torch.zeros(17, 17, dtype=torch.int64)
    for tile in tiles(matrix):
        block = torch.ones(tile.distances.shape, dtype=torch.int64)
        seen[tile.rows.which, tile.columns.which] += block.triu() if tile.itself else block
    assert torch.equal(seen, torch.ones(17, 17, dtype=torch.int64).triu())


@pytest.mark.parametrize("k", [1, 3, 22])
@pytest.mark.parametrize("size", [1, 4, 7, 23, 512])
def test_the_nearest_others_from_pairs_that_come_once(k, size, monkeypatch):
    """Tiles of fewer rows than k among them, and a last tile that is not full."""
    monkeypatch.setattr(pairs, "TILE", size)
    others = normal(23, 4, seed=0).float()
    direct = (others[:, None].double() - others[None].double()).square().sum(2)
    expected = direct.fill_diagonal_(torch.inf).sort(1).values[:, k - 1]
    found = within(Features(features=others), nearest_others(k))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_far_from_the_origin_distances_keep_their_digits():
    rows, columns = normal(9, 3, seed=0) + 1e6, normal(8, 3, seed=1) + 1e6
    [tile] = tiles(rows, columns)
    torch.testing.assert_close(tile.distances, (rows[:, None] - columns[None]).square().sum(2), rtol=1e-9, atol=1e-9)


def test_metrics_that_are_computed_together_share_a_pass_and_have_the_numbers_they_have_alone(passes):
    real, fake = normal(90, 6, seed=0).float(), normal(70, 6, seed=1, mean=0.3).float()
    alone = numbers(Features(features=real), Features(features=fake))
    passes.clear()
    assert numbers(with_facts(real), with_facts(fake)) == alone
    assert passes == [(90, None), (70, None), (70, 90)]


def test_what_is_known_of_real_features_is_not_found_again(passes):
    real, known = normal(90, 6, seed=0).float(), {}
    numbers(with_facts(real, found=known), with_facts(normal(70, 6, seed=1).float()))
    passes.clear()
    fake = normal(80, 6, seed=2).float()
    again = numbers(with_facts(real, found=known), with_facts(fake))
    assert passes == [(80, None), (80, 90)]
    assert again == numbers(Features(features=real), Features(features=fake))


def test_two_sets_of_real_features_beside_one_of_generated_are_not_mixed_up():
    fake, known = normal(70, 6, seed=1).float(), {}
    for seed in (0, 5):
        real = normal(90, 6, seed=seed).float()
        found = numbers(with_facts(real), with_facts(fake, found=known))
        assert found == numbers(Features(features=real), Features(features=fake))


def test_one_matrix_on_both_sides_is_two_sets_of_samples():
    one = with_facts(normal(60, 4, seed=0))
    found = numbers(one, one)
    assert found == numbers(Features(features=one.features), Features(features=one.features.clone()))
    assert found[2] == {"precision": 1.0, "recall": 1.0}


def test_facts_of_other_features_are_not_believed():
    real, fake = with_facts(normal(90, 6, seed=0)), with_facts(normal(70, 6, seed=1))
    numbers(real, fake)
    others = normal(90, 6, seed=7)
    found = numbers(replace(real, features=others), fake)
    assert found == numbers(Features(features=others), Features(features=fake.features))


def test_a_companion_that_wants_more_samples_is_left_out():
    """The kernel distance wants 40, density and coverage want 6."""
    real, fake = normal(5, 3, seed=0), normal(5, 3, seed=1)
    alone = numbers(Features(features=real), Features(features=fake), (PrecisionRecall(),))
    assert numbers(with_facts(real), with_facts(fake), (PrecisionRecall(),)) == alone


def test_metrics_with_other_options_have_facts_of_their_own():
    real, fake = normal(60, 3, seed=0), normal(50, 3, seed=1)
    metrics = tuple(PrecisionRecall(neighbors=k) for k in (1, 3, 9))
    sides = with_facts(real, metrics), with_facts(fake, metrics)
    assert numbers(*sides, metrics) == numbers(Features(features=real), Features(features=fake), metrics)
