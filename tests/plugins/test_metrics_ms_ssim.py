from __future__ import annotations

import math

import pytest
import torch
from ganzoo_metrics import ms_ssim as module
from ganzoo_metrics.ms_ssim import WEIGHTS, MsSsim, ms_ssim
from measured_features import with_threads

from ganzoo.errors import ConfigError
from ganzoo.protocols import Features


def pictures(n, side=32, *, channels=3, seed=0):
    """Smooth pictures of 0 to 255: noise of 8×8, enlarged."""
    small = torch.rand(n, channels, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (255 * torch.nn.functional.interpolate(small, size=(side, side), mode="bilinear")).round()


def noisy(images, strength):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    return (images + strength * noise).clamp(0, 255)


def answer(images, *, seed=0, **options):
    fake = Features(images=images.to(torch.uint8))
    return MsSsim(**options)(real=Features(), fake=fake, random=torch.Generator().manual_seed(seed))["ms_ssim"]


@pytest.mark.parametrize("side", [11, 24, 32, 64])
def test_a_picture_and_itself_have_1(side):
    images = pictures(3, side)
    torch.testing.assert_close(ms_ssim(images, images), torch.ones(3).double(), rtol=1e-12, atol=0)


def test_it_is_symmetric_between_0_and_1_and_falls_with_noise():
    one, other = pictures(6), pictures(6, seed=1)
    torch.testing.assert_close(ms_ssim(one, other), ms_ssim(other, one), rtol=1e-12, atol=1e-12)
    falls = torch.stack([ms_ssim(one, noisy(one, strength)) for strength in (0, 5, 20, 60)])
    assert (falls.diff(dim=0) < 0).all()
    for found in (falls, ms_ssim(one, other), ms_ssim(one, 255 - one)):
        assert ((found >= 0) & (found <= 1)).all()


def test_two_flat_pictures_differ_in_luminance_alone():
    """Contrast terms are 1; of one scale its weight is 1: (2ab + C₁) / (a² + b² + C₁)."""
    a, b, level = 100.0, 180.0, (0.01 * 255) ** 2
    one, other = (torch.full((1, 1, 16, 16), value).double() for value in (a, b))
    assert float(ms_ssim(one, other)) == pytest.approx((2 * a * b + level) / (a * a + b * b + level), rel=1e-12)


@pytest.mark.parametrize(
    ("side", "scales"), [(11, 1), (21, 1), (22, 2), (44, 3), (88, 4), (175, 4), (176, 5), (352, 5)]
)
def test_as_many_scales_as_keep_a_side_of_11(side, scales):
    """Of two flat pictures only the last scale's luminance counts, to the power of its rescaled weight."""
    one, other = (torch.full((1, 1, side, side + 3), value).double() for value in (100.0, 180.0))
    level = (0.01 * 255) ** 2
    luminance = (2 * 100 * 180 + level) / (100**2 + 180**2 + level)
    weight = WEIGHTS[scales - 1] / sum(WEIGHTS[:scales])
    assert float(ms_ssim(one, other)) == pytest.approx(luminance**weight, rel=1e-9)


def test_windows_are_gaussian_by_a_direct_sum():
    """One scale of 12×12: four windows of 11×11, pixel by pixel."""
    x, y = pictures(1, 12, channels=1, seed=0)[0, 0], pictures(1, 12, channels=1, seed=1)[0, 0]
    weight = [[math.exp(-((i - 5) ** 2 + (j - 5) ** 2) / (2 * 1.5**2)) for j in range(11)] for i in range(11)]
    weight = torch.tensor(weight, dtype=torch.float64) / sum(map(sum, weight))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for top in (0, 1):
        for left in (0, 1):
            a, b = (image[top : top + 11, left : left + 11] for image in (x, y))
            ma, mb = (weight * a).sum(), (weight * b).sum()
            va, vb, ab = (
                weight * (p - mp) * (q - mq) for p, mp, q, mq in ((a, ma, a, ma), (b, mb, b, mb), (a, ma, b, mb))
            )
            contrast = (2 * ab.sum() + c2) / (va.sum() + vb.sum() + c2)
            values.append((2 * ma * mb + c1) / (ma**2 + mb**2 + c1) * contrast)
    expected = max(0.0, float(sum(values) / 4))
    assert float(ms_ssim(x[None, None], y[None, None])) == pytest.approx(expected, rel=1e-9)


def test_pairs_are_of_two_samples_and_alike_where_all_samples_are():
    assert answer(pictures(1).repeat(5, 1, 1, 1)) == pytest.approx(1, rel=1e-12)
    assert answer(pictures(2)) == pytest.approx(float(ms_ssim(*pictures(2).split(1))), rel=1e-12)
    for seed in range(5):
        one, other = module._pairs(3, 200, torch.Generator().manual_seed(seed))
        assert not (one == other).any()
        pairs = {*zip(one.tolist(), other.tolist(), strict=True)}
        assert len(pairs) == 6


def test_a_collapsed_generator_has_more_than_real_data():
    varied = pictures(60)
    collapsed = noisy(pictures(1).repeat(60, 1, 1, 1), 4)
    assert answer(collapsed) > answer(varied) + 0.2


def test_pairs_are_looked_at_some_at_a_time(monkeypatch):
    """All at once, 500 pairs of 256 px would take 10 GiB."""
    images, looked = pictures(30), []
    whole = answer(images)
    monkeypatch.setattr(module, "PIXELS", 7 * images[0].numel())
    computed = ms_ssim
    monkeypatch.setattr(module, "ms_ssim", lambda x, y: looked.append(len(x)) or computed(x, y))
    assert answer(images) == pytest.approx(whole, rel=1e-12)
    assert max(looked) == 7
    assert sum(looked) == 500


def test_threads_do_not_matter():
    one, two = (with_threads(count, lambda: answer(pictures(10), pairs=40)) for count in (1, 2))
    assert one == pytest.approx(two, rel=1e-12)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (None, "at least 2 pictures"),
        (torch.zeros(5, 2), "at least 2 pictures"),
        (torch.zeros(1, 3, 32, 32), "at least 2 pictures"),
        (torch.zeros(5, 3, 10, 32), "at least 11 pixels"),
    ],
)
def test_refusals(images, words):
    with pytest.raises(ConfigError, match=words):
        MsSsim()(real=Features(), fake=Features(images=images), random=torch.Generator())
