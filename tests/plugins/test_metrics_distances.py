"""Distances block by block, which metrics of neighbors share."""

from __future__ import annotations

import pytest
import torch
from ganzoo_metrics import distances
from ganzoo_metrics.distances import blocks, to_nearest, widened
from measured_features import normal


def direct(rows, others):
    """Differences first, then squares: no digits are lost."""
    return (rows[:, None].double() - others[None].double()).square().sum(2)


@pytest.mark.parametrize("block", [2**28, 8 * 23, 8 * 23 * 5, 1])
def test_blocks_are_the_differences_squared(block, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_BYTES", block)
    rows, others = normal(17, 5, seed=0), normal(23, 5, seed=1)
    found = list(blocks(rows, others))
    assert torch.equal(torch.cat([torch.arange(17)[which] for which, _ in found]), torch.arange(17))
    assert all(part.numel() * 8 <= max(block, 8 * 23) for _, part in found)
    torch.testing.assert_close(torch.cat([part for _, part in found]), direct(rows, others), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 22])
def test_the_kth_nearest_with_and_without_itself(k, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8 * 23 * 4)
    others = normal(23, 4, seed=0).float()
    everything = direct(others, others)
    torch.testing.assert_close(to_nearest(others, others, k=k), everything.sort(1).values[:, k - 1])
    without = everything.fill_diagonal_(torch.inf).sort(1).values[:, k - 1]
    torch.testing.assert_close(to_nearest(others, others, themselves=True, k=k), without)
    torch.testing.assert_close(to_nearest(others[:9], others, themselves=True, k=k), without[:9])


def test_far_from_the_origin_they_keep_their_digits():
    rows, others = normal(9, 3, seed=0) + 1e6, normal(8, 3, seed=1) + 1e6
    [(_, found)] = blocks(rows, others)
    torch.testing.assert_close(found, direct(rows, others), rtol=1e-9, atol=1e-9)


def test_the_arguments_stay_as_they_are():
    rows = normal(9, 3, seed=0)
    kept = rows.clone()
    to_nearest(rows, rows, themselves=True)
    assert torch.equal(rows, kept)


@pytest.mark.parametrize("width", [3, 1280])
def test_what_lies_on_a_sphere_is_inside_whatever_the_rounding(width):
    """Each row's k-th neighbor lies on its sphere, and is found there in blocks of any size."""
    others = normal(60, width, seed=0, mean=5.0)
    radii = to_nearest(others, others, themselves=True, k=4)
    on_it = direct(others, others).fill_diagonal_(torch.inf).argsort(1)[:, 3]
    inside = torch.cat([part for _, part in blocks(others.flip(0), others)]).flip(0) <= widened(radii, others, others)
    assert inside[on_it, torch.arange(60)].all()
    # No other one is: each ball holds its center and k neighbors.
    assert torch.equal(inside.sum(0), torch.full((60,), 5))
