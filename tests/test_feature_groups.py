"""Features of several critics stay apart on their way to feature-matching, and averages are those of the papers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.protocols import DataSpec, DiscriminatorOutput
from ganzoo.training.held import held
from ganzoo.training.runtime import as_dtype
from ganzoo.training.verdicts import verdict

SPEC = DataSpec(shape=(2, 64, 64))


def pyramid(**options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = ganzoo.build("discriminator", "multiscale-patchgan", spec=SPEC, ndf=4, n_layers=2, **options)
    return critic.double()


def pair():
    random = torch.Generator().manual_seed(1)
    return tuple(torch.rand(2, 2, 64, 64, generator=random, dtype=torch.float64) * 2 - 1 for _ in range(2))


def distances(critic, real, fake):
    """Per scale, the mean absolute differences of its layers, by hand."""
    found = []
    images = real, fake
    for scale in critic.scales:
        layers = zip(*(scale(side).features for side in images), strict=True)
        found.append([(one - other).abs().mean().item() for one, other in layers])
        images = tuple(nn.functional.avg_pool2d(side, 3, 2, 1, count_include_pad=False) for side in images)
    return found


def pushed(critics, real, fake, **matching):
    """What feature matching adds to the generator's loss, over all critics."""
    adversary = ganzoo.Adversary(critics, regularizers={}, feature_matching=matching)
    terms = adversary.generator_loss(fake, real=real).weighted
    return float(sum(value for name, value in terms.items() if name.endswith("/feature_matching")))


def test_groups_of_a_pyramid_are_its_scales():
    critic = pyramid(n_scales=2)
    output = critic(pair()[0])
    assert output.feature_counts == (3, 3)
    fine, coarse = output.feature_groups()
    assert len(output.features) == 6
    assert fine[0].shape[-1] == 2 * coarse[0].shape[-1]
    alone = pyramid(n_scales=1)(pair()[0])
    assert alone.feature_counts == ()
    assert alone.feature_groups() == (alone.features,)


def test_groups_survive_all_that_handles_outputs():
    critic = pyramid(n_scales=2)
    images = pair()[0].requires_grad_()
    assert critic(images).rows(slice(0, 1)).feature_counts == (3, 3)
    assert as_dtype(critic(images), torch.float32).feature_counts == (3, 3)
    assert held(lambda x, labels: critic(x), critic)(images, None).feature_counts == (3, 3)


def test_lists_of_other_peoples_critics_are_groups():
    maps = [(torch.zeros(2, 1, 3), [torch.ones(2, 4)] * count) for count in (2, 1)]
    assert verdict(nn.Identity(), maps).feature_counts == (2, 1)
    assert verdict(nn.Identity(), maps[0]).feature_counts == ()
    own = DiscriminatorOutput(torch.zeros(2), features=(torch.ones(2, 4),))
    assert verdict(nn.Identity(), own) is own


@pytest.mark.parametrize(
    ("matching", "by_hand"),
    [
        # HiFi-GAN: 2, over all layers of all critics.
        ({"weight": 2.0}, lambda each: 2 * sum(map(sum, each))),
        # audiocraft: the mean over layers, then over critics.
        ({"average": "both"}, lambda each: sum(sum(one) / len(one) for one in each) / len(each)),
        # pix2pixHD: 10, times 4 over the layers of a scale, over the number of scales.
        ({"weight": 40.0, "average": "both"}, lambda each: sum(10 * 4 / 3 / 2 * sum(one) for one in each)),
        # SPADE: 10 over the number of scales.
        ({"weight": 10.0, "average": "critics"}, lambda each: 10 / 2 * sum(map(sum, each))),
    ],
    ids=["hifigan", "audiocraft", "pix2pixhd", "spade"],
)
def test_averages_of_published_works(matching, by_hand):
    critic, (real, fake) = pyramid(n_scales=2), pair()
    expected = by_hand(distances(critic, real, fake))
    assert pushed(critic, real, fake, **matching) == pytest.approx(expected, rel=1e-9)


def test_critics_of_a_mapping_are_averaged_too():
    (real, fake), one, two = pair(), pyramid(n_scales=2), pyramid(n_scales=1)
    by_hand = sum(sum(map(sum, each)) / len(each) for each in (distances(one, real, fake), distances(two, real, fake)))
    found = pushed({"one": one, "two": two}, real, fake, average="critics", weight=3.0)
    assert found == pytest.approx(3 * by_hand / 2, rel=1e-9)
