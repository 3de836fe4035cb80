"""Truncation, against closed forms and scipy's truncated normal law."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from toys import SPEC, ToyGenerator

from ganzoo.errors import ConfigError
from ganzoo.evaluation import sampling
from ganzoo.evaluation.truncation import NarrowLatents, StyleTowardMean, has_normal_latents, narrowed, truncated
from ganzoo.protocols import Generator


def normal(n, seed=0):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("psi", [0.04, 0.5, 1.0, 2.0])
def test_narrow_latents_follow_the_truncated_normal_law(psi):
    z = narrowed(normal(20_000), psi)
    assert z.dtype == torch.float32
    assert z.abs().max() <= psi
    assert stats.kstest(z.numpy(), stats.truncnorm(-psi, psi).cdf).pvalue > 0.01


def test_each_number_goes_where_its_share_of_the_law_is():
    z = torch.linspace(-4, 4, 81, dtype=torch.float64)
    expected = stats.truncnorm(-0.7, 0.7).ppf(stats.norm.cdf(z.numpy()))
    torch.testing.assert_close(narrowed(z, 0.7), torch.from_numpy(expected), rtol=1e-9, atol=1e-12)


def test_wide_truncation_changes_nothing_and_a_sample_keeps_its_sign():
    z = normal(1000)
    torch.testing.assert_close(narrowed(z, 30.0), z, rtol=1e-6, atol=1e-6)
    assert torch.equal(narrowed(z, 0.1).sign(), z.sign())


class Law(Generator):
    """Draws its latents from a law that is handed over, as (n, 16)."""

    def __init__(self, draw):
        super().__init__()
        self.draw = draw
        self.place = torch.nn.Parameter(torch.zeros(1))

    def latent(self, n, *, generator):
        return self.draw(n, generator)

    def forward(self, z, labels=None):
        return z[:, :2]


def gaussian(n, generator):
    return torch.randn(n, 16, generator=generator)


OTHER_LAWS = {
    "uniform of variance 1": lambda n, generator: (torch.rand(n, 16, generator=generator) * 2 - 1) * math.sqrt(3),
    "uniform within 1": lambda n, generator: torch.rand(n, 16, generator=generator) * 2 - 1,
    "a single uniform number": lambda n, generator: (torch.rand(n, 1, generator=generator) * 2 - 1) * math.sqrt(3),
    "on a sphere": lambda n, generator: 4 * torch.nn.functional.normalize(gaussian(n, generator)),
    "wider": lambda n, generator: 1.1 * gaussian(n, generator),
    "elsewhere": lambda n, generator: gaussian(n, generator) + 0.1,
    "narrow": lambda n, generator: narrowed(gaussian(n, generator), 1.5),
}


@pytest.mark.parametrize("draw", OTHER_LAWS.values(), ids=OTHER_LAWS)
def test_latents_that_are_not_normal_are_refused(draw):
    assert not has_normal_latents(Law(draw))
    with pytest.raises(ConfigError, match="the latents of this generator are not normal"):
        truncated(Law(draw), 0.5)


@pytest.mark.parametrize("shape", [(1,), (2,), (128,), (4, 8, 8)])
def test_normal_latents_of_any_shape_are_known(shape):
    law = Law(lambda n, generator: torch.randn(n, *shape, generator=generator))
    assert has_normal_latents(law)
    network, meaning = truncated(law, 0.5)
    assert isinstance(network, NarrowLatents)
    assert "1809.11096" in meaning


def images(network, n=200, spec=SPEC, labels=None):
    return torch.cat([part for part, _ in sampling.chunks(network, spec, n, labels=labels, seed=0)])


def test_samples_of_narrow_latents_are_those_of_the_generator_at_them():
    made = images(truncated(Law(gaussian), 0.5)[0], spec=SPEC)
    whole = images(Law(gaussian))
    torch.testing.assert_close(made, narrowed(whole, 0.5))


def test_the_less_the_truncation_the_less_varied_the_images():
    """Also behind a BatchNorm, whose statistics stay those of whole latents."""
    torch.manual_seed(0)
    ready = sampling.ready(ToyGenerator(), SPEC)
    spreads = [images(truncated(ready, psi)[0]).float().std(0).mean() for psi in (5.0, 1.0, 0.3, 0.05)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] < spreads[0] / 10


class Styled(Generator):
    """w is z moved by its class; an image shows w."""

    def __init__(self):
        super().__init__()
        self.moves = torch.nn.Parameter(torch.tensor([[10.0, 0.0], [0.0, -10.0], [3.0, 3.0]]))

    def latent(self, n, *, generator):
        return torch.rand(n, 2, generator=generator)

    def mapping(self, z, labels=None):
        return z if labels is None else z + self.moves[labels]

    def synthesis(self, w):
        return w

    def forward(self, z, labels=None):
        return self.synthesis(self.mapping(z, labels))


@pytest.mark.parametrize("psi", [0.0, 0.3, 1.0])
def test_styles_are_moved_toward_their_mean(psi):
    network, meaning = truncated(Styled(), psi)
    assert isinstance(network, StyleTowardMean)
    assert "1812.04948" in meaning
    z = torch.rand(50, 2)
    mean = torch.full((2,), 0.5)  # of a uniform law; the mean of 4,096 is within 0.02 of it
    torch.testing.assert_close(network(z), mean + psi * (z - mean), atol=0.02, rtol=0)


def test_a_class_moves_toward_its_own_mean():
    network, _ = truncated(Styled(), 0.0)
    labels = torch.tensor([2, 0, 1, 0])
    expected = Styled().moves[labels] + 0.5
    torch.testing.assert_close(network(torch.rand(4, 2), labels), expected, atol=0.02, rtol=0)


def test_the_mean_does_not_depend_on_who_asks():
    z = torch.rand(3, 2)
    whole, one = (truncated(Styled(), 0.5)[0] for _ in range(2))
    one(z)
    assert torch.equal(whole(z)[:1], one(z[:1]))


@pytest.mark.parametrize(("network", "psi"), [(Styled, -0.1), (Styled, 1.5), (Styled, math.nan)])
def test_a_style_takes_shares(network, psi):
    with pytest.raises(ConfigError, match="out of range") as caught:
        truncated(network(), psi)
    assert "0 (the mean style alone) to 1" in str(caught.value)


@pytest.mark.parametrize("psi", [0.0, -1.0, math.inf, math.nan])
def test_latents_take_any_positive_bound(psi):
    with pytest.raises(ConfigError, match="out of range"):
        truncated(Law(gaussian), psi)
