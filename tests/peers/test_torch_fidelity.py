"""Fréchet distance, kernel distance, precision and recall beside torch-fidelity's, on the same features.

Its package needs torchvision as soon as it is imported. What is compared is mathematics on features, which does not.
"""

from __future__ import annotations

import pytest
import torch
from ganzoo_metrics.frechet_distance import frechet_distance
from ganzoo_metrics.kernel_distance import kernel_distance
from ganzoo_metrics.precision_recall import precision_and_recall
from peer_package import modules_of

metric_fid, metric_kid, metric_prc = modules_of(
    "torch_fidelity", "metric_fid", "metric_kid", "metric_prc", without=("utils",)
)


def features(n, seed, shift=0.0):
    drawn = torch.randn(n, 12, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn + shift


def test_frechet_distances_agree_where_covariances_have_full_rank():
    real, fake = features(80, 0), features(50, 1, shift=0.3)
    one, other = (metric_fid.fid_features_to_statistics(side) for side in (real, fake))
    found = metric_fid.fid_statistics_to_metric(one, other, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(real, fake) == pytest.approx(found, rel=1e-9)


def test_kernel_distances_agree_where_the_subset_is_everything():
    real, fake = features(60, 0), features(60, 1, shift=0.5)
    found = metric_kid.kid_features_to_metric(real, fake, kid_subsets=1, kid_subset_size=60, verbose=False)
    assert kernel_distance(real, fake)[0] == pytest.approx(found["kernel_inception_distance_mean"], rel=1e-9)


@pytest.mark.parametrize("frugal", [False, True])
def test_precision_and_recall_agree(frugal):
    real, fake = features(60, 0), features(80, 1, shift=0.5)
    found = metric_prc.prc_features_to_metric(fake, real, save_cpu_ram=frugal, verbose=False)
    assert precision_and_recall(real, fake, 3) == pytest.approx((found["precision"], found["recall"]), abs=1e-6)
