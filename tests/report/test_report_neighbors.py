"""The nearest real pictures of a report, some real ones at a time."""

from __future__ import annotations

import pytest
import torch

from ganzoo.report import neighbors
from ganzoo.report.neighbors import nearest


def normal(n, seed):
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed)) + 100


@pytest.mark.parametrize("chunk", [1, 4, 7, 30, 1000])
def test_parts_find_what_all_at_once_do(chunk, monkeypatch):
    monkeypatch.setattr(neighbors, "CHUNK", chunk)
    real, fake = normal(30, 0), normal(6, 1)
    expected = (fake[:, None].double() - real[None].double()).norm(dim=2).topk(3, largest=False)
    distances, index = nearest(real, fake, 3)
    torch.testing.assert_close(distances, expected.values, rtol=1e-12, atol=0)
    assert torch.equal(index, expected.indices)


@pytest.mark.parametrize("chunk", [2, 1000])
def test_a_copy_is_at_0_and_of_equal_ones_the_first_comes_first(chunk, monkeypatch):
    """Known mistake: ‖x‖² + ‖y‖² − 2⟨x, y⟩, which puts a copy 1e-6 away."""
    monkeypatch.setattr(neighbors, "CHUNK", chunk)
    real = normal(40, 0).repeat(2, 1)
    distances, index = nearest(real, real[:30], 2)
    assert torch.equal(distances, torch.zeros(30, 2).double())
    assert torch.equal(index, torch.stack([torch.arange(30), torch.arange(30) + 40], 1))
