"""Verdicts that are subtracted: all but the data must be alike, or the difference over σ is of something else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.errors import ConfigError

SIGMA = 1e-3


def linear(n=3 * 8 * 8, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(n, 1))


def batch(n=64, seed=0):
    return torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def ratio(critic, *, sigma=SIGMA, weight=None, **given):
    """The estimated squared slope over the true one, over 64 draws: 1 within 0.7, four standard errors."""
    r1 = {"weight": 2.0, "estimate": "difference", "sigma": sigma}
    adversary = ganzoo.Adversary(critic, regularizers={"r1": r1}, shape=(3, 8, 8), **given)
    slope = next(p for p in critic.parameters() if p.ndim > 1) if weight is None else weight
    squared = float(slope.detach().square().sum())
    return float(adversary.update(fake=batch(), real=batch(seed=1))["critic/r1"]) / squared


def test_a_plain_critic():
    assert ratio(linear()) == pytest.approx(1, abs=0.7)


@pytest.mark.parametrize("precision", ["fp32", "autocast"])
def test_in_full_precision_under_autocast(precision):
    """Rounded to bfloat16, verdicts differ by nothing or by far too much: 8 times on a critic of the zoo."""
    outside = ratio(linear())
    with torch.autocast("cpu", torch.bfloat16):
        assert ratio(linear(), precision=precision) == pytest.approx(outside, rel=1e-3)


def test_one_draw_of_dropout():
    """Of two draws the difference would be about 1/σ² times too large."""
    critic = nn.Sequential(nn.Dropout(0.5), *linear())
    assert ratio(critic) == pytest.approx(1 * 2, abs=2)  # E(mask/0.5)² = 2


def test_one_draw_of_the_augmentation():
    """A critic that sees the brightness alone: two draws of it differ by up to 1, σ by a thousandth."""
    critic = linear()
    with torch.no_grad():
        critic[1].weight.fill_(0.01)
    assert ratio(critic, augment={"diffaugment": {"policy": ["color"]}}) < 3


def test_equal_spectral_norms():
    """torch's spectral norm moves at each forward pass in training, and the logits with it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, last = nn.Linear(3 * 8 * 8, 64), nn.Linear(64, 1)
        nn.utils.parametrizations.spectral_norm(first)
    critic = nn.Sequential(nn.Flatten(), first, last)
    assert ratio(critic, weight=(last.weight @ first.weight).detach(), sigma=1e-4) == pytest.approx(1, abs=0.7)


def test_weights_of_half_precision_are_refused():
    critic = linear().bfloat16()
    adversary = ganzoo.Adversary(critic, regularizers={"r1": {"estimate": "difference"}})
    with pytest.raises(ConfigError, match="half precision"):
        adversary.update(fake=batch(), real=batch())


def test_an_exact_penalty_of_data_in_half_precision_under_autocast():
    critic = linear()
    expected = float(critic[1].weight.detach().square().sum())
    adversary = ganzoo.Adversary(critic, regularizers={"r1": {"weight": 2.0}}, precision="autocast")
    with torch.autocast("cpu", torch.bfloat16):
        logs = adversary.update(fake=batch().bfloat16(), real=batch().bfloat16())
    assert float(logs["critic/r1"]) == pytest.approx(expected, rel=0.01)


def test_parts_of_a_batch_draw_what_the_whole_draws():
    whole, parts = (
        ganzoo.Adversary(
            linear().double(),
            regularizers={"r2": {"estimate": "difference"}},
            augment={"diffaugment": {}},
            shape=(3, 8, 8),
            optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        )
        for _ in range(2)
    )
    real, fake = batch(8).double(), batch(8, seed=1).double()
    whole.update(fake=fake, real=real)
    for index in range(2):
        rows = slice(4 * index, 4 * index + 4)
        parts.update(fake=fake[rows], real=real[rows], part=(index, 2))
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)
