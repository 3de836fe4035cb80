"""Fréchet distance, kernel distance and MS-SSIM beside torchmetrics'."""

from __future__ import annotations

import warnings

import pytest
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    # Where torch-fidelity is installed, torchmetrics imports it, and so torchvision, too.
    pytest.importorskip("torchmetrics.image.fid", exc_type=ImportError)
    from torchmetrics.functional.image import structural_similarity_index_measure as peer_ssim
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

from ganzoo_metrics.frechet_distance import frechet_distance
from ganzoo_metrics.kernel_distance import kernel_distance
from ganzoo_metrics.ms_ssim import WEIGHTS, ms_ssim


class Flat(torch.nn.Module):
    """An extractor whose features are the pictures themselves."""

    num_features = 12

    def forward(self, images):
        return images.flatten(1)


def pictures(n, seed, shift=0.0):
    drawn = torch.rand(n, 3, 2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn + shift * torch.arange(12).view(3, 2, 2) / 12


def theirs(metric, real, fake):
    metric.set_dtype(torch.float64)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return metric.compute()


def test_frechet_distances_agree_where_covariances_have_full_rank():
    real, fake = pictures(80, 0), pictures(50, 1, shift=0.3)
    found = theirs(FrechetInceptionDistance(feature=Flat(), normalize=True, input_img_size=(3, 2, 2)), real, fake)
    assert frechet_distance(real.flatten(1), fake.flatten(1)) == pytest.approx(float(found), rel=1e-6)


def test_kernel_distances_agree_where_the_subset_is_everything():
    """Theirs is a mean over random subsets of equal sizes; one of all samples draws nothing."""
    real, fake = pictures(60, 0), pictures(60, 1, shift=0.5)
    with pytest.warns(UserWarning, match="will save all extracted features"):
        peer = KernelInceptionDistance(feature=Flat(), subsets=1, subset_size=60, normalize=True)
    mean, _ = theirs(peer, real, fake)
    assert kernel_distance(real.flatten(1), fake.flatten(1))[0] == pytest.approx(float(mean), rel=1e-5)


def test_ms_ssim_agrees_but_for_mirrored_edges():
    """torchmetrics leaves out mirrored edges in its contrast terms, and counts them in the last scale."""
    random = torch.Generator().manual_seed(0)
    one = (255 * torch.rand(2, 3, 45, 52, generator=random)).round().double()
    other = (one + 25 * torch.randn(one.shape, generator=random)).clamp(0, 255)
    expected, weights = torch.ones(2).double(), torch.tensor(WEIGHTS[:3]).double() / sum(WEIGHTS[:3])
    x, y = one, other
    for scale in range(3):
        given = {"sigma": 1.5, "data_range": 255.0, "reduction": "none"}
        _, contrast = peer_ssim(x, y, return_contrast_sensitivity=True, **given)
        _, whole = peer_ssim(x, y, return_full_image=True, **given)
        term = whole[..., 5:-5, 5:-5].mean((1, 2, 3)) if scale == 2 else contrast
        expected = expected * term ** weights[scale]
        x, y = (torch.nn.functional.avg_pool2d(image, 2) for image in (x, y))
    torch.testing.assert_close(ms_ssim(one, other), expected, rtol=1e-5, atol=1e-6)
