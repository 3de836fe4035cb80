"""Precision, recall, density and coverage beside those of the authors of density and coverage."""

from __future__ import annotations

import warnings

import pytest
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    prdc = pytest.importorskip("prdc", exc_type=ImportError)

from ganzoo_metrics.density_coverage import coverage_and_density
from ganzoo_metrics.precision_recall import precision_and_recall


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("counts", [(80, 80), (60, 90)])
def test_all_four_agree_where_there_are_no_ties(k, counts, capsys):
    random = torch.Generator().manual_seed(k)
    real, fake = (torch.randn(count, 4, generator=random, dtype=torch.float64) for count in counts)
    fake = 1.2 * fake + 0.4
    theirs = prdc.compute_prdc(real.numpy(), fake.numpy(), k)
    capsys.readouterr()
    precision, recall = precision_and_recall(real, fake, k)
    coverage, density = coverage_and_density(real, fake, k)
    ours = {"precision": precision, "recall": recall, "coverage": coverage, "density": density}
    assert ours == {name: pytest.approx(value, abs=1e-12) for name, value in theirs.items()}


def test_they_differ_where_a_sample_lies_on_a_sphere(capsys):
    """On 0, 1, 2, 3 with k 1, 4 is at distance 1 of 3: inside by Kynkäänniemi et al., outside by prdc."""
    real, fake = (torch.tensor(points, dtype=torch.float64)[:, None] for points in ([0.0, 1, 2, 3], [4.0, 9.0, 20.0]))
    theirs = prdc.compute_prdc(real.numpy(), fake.numpy(), 1)
    capsys.readouterr()
    assert (theirs["precision"], precision_and_recall(real, fake, 1)[0]) == (0.0, 1 / 3)
