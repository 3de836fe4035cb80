"""Walks through latents: great circles, straight lines, closed loops, classes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toys import SPEC

from ganzoo.errors import ConfigError
from ganzoo.evaluation.truncation import truncated
from ganzoo.evaluation.walk import MOST_CLASSES, STOPS, slerp, stops, walk
from ganzoo.protocols import Generator

CONDITIONAL = replace(SPEC, conditional=True)


def latents(n, *shape, seed=0):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(7,), (2, 3, 3)])
def test_slerp_turns_at_a_constant_rate_and_keeps_the_length(shape):
    a, b = latents(5, *shape), latents(5, *shape, seed=1)
    b *= (a.flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)).view(5, *(1,) * len(shape))
    whole = torch.cosine_similarity(a.flatten(1), b.flatten(1)).acos()
    for share in (0.0, 0.25, 0.5, 0.9, 1.0):
        point = slerp(a, b, share)
        assert point.shape == a.shape
        torch.testing.assert_close(point.flatten(1).norm(dim=1), a.flatten(1).norm(dim=1))
        turned = torch.cosine_similarity(a.flatten(1), point.flatten(1)).clamp(-1, 1).acos()
        torch.testing.assert_close(turned, share * whole, atol=1e-6, rtol=0)


def test_slerp_of_what_points_the_same_or_the_opposite_way_is_finite():
    a = latents(3, 4)
    torch.testing.assert_close(slerp(a, 2 * a, 0.5), 1.5 * a)
    assert slerp(a, -a, 0.3).isfinite().all()


class Shown(Generator):
    """Its latents, as gray pixels of a 1×1 image each: one channel per number. Other laws by ``uniform``."""

    def __init__(self, *, uniform=False, size=3):
        super().__init__()
        self.uniform, self.size = uniform, size
        self.place = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def latent(self, n, *, generator):
        draw = torch.rand if self.uniform else torch.randn
        return draw(n, self.size, generator=generator)

    def forward(self, z, labels=None):
        self.seen.append((z, None if labels is None else labels.tolist()))
        return torch.tanh(z)[:, :, None, None]


def taken(network, spec=SPEC, *, images=4, frames=16, label=None, seed=0):
    return list(walk(network, spec, images=images, frames=frames, classes=stops(spec, label), seed=seed))


@pytest.mark.parametrize("uniform", [False, True])
def test_a_walk_passes_its_stops_and_comes_back_by_equal_steps(uniform):
    """Great circles through normal latents, straight lines through uniform ones."""
    network = Shown(uniform=uniform)
    frames = taken(network, frames=5 * STOPS)
    places = [z for z, _ in network.seen]
    assert len(frames) == len(places) == 5 * STOPS
    way = torch.lerp if uniform else slerp
    for number, place in enumerate(places):
        first = number // 5 * 5
        ends = places[first], places[(first + 5) % len(places)]
        torch.testing.assert_close(place, way(*ends, (number - first) / 5))
    assert len({tuple(place.flatten().tolist()) for place in places}) == len(places)


def test_the_images_of_a_grid_go_ways_of_their_own_which_the_seed_decides():
    first, again, other = (taken(Shown(), frames=4, seed=seed) for seed in (0, 0, 1))
    assert all(torch.equal(one.images, two.images) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0].images, other[0].images)
    assert len(first[0].images.unique(dim=0)) == 4


def test_a_walk_without_a_style_is_of_one_class_from_stop_to_stop():
    network = Shown()
    frames = taken(network, CONDITIONAL, frames=6, images=2)
    assert [frame.label for frame in frames] == [0, 0, 1, 1, 2, 2]
    assert [labels for _, labels in network.seen] == [[frame.label] * 2 for frame in frames]


def test_a_walk_through_classes_leaves_out_those_that_do_not_occur_and_knows_an_end():
    assert stops(replace(CONDITIONAL, marginal=(0.5, 0.0, 0.5)), None) == [0, 2]
    many = replace(CONDITIONAL, classes=tuple("abcdefghijklmnopqrst"), marginal=(0.05,) * 20)
    assert stops(many, None) == list(range(MOST_CLASSES))
    assert stops(many, 19) == [19] * STOPS
    assert stops(replace(CONDITIONAL, marginal=(0.0, 1.0, 0.0)), None) == [1] * STOPS
    assert stops(SPEC, None) == [None] * STOPS


class Styled(Shown):
    """w is z plus the class; what is shown is w."""

    def mapping(self, z, labels=None):
        return z if labels is None else z + labels[:, None]

    def synthesis(self, w):
        self.seen.append((w, None))
        return torch.tanh(w)[:, :, None, None]


def test_styles_go_in_straight_lines_also_from_class_to_class():
    network = Styled()
    frames = taken(network, CONDITIONAL, frames=12)
    places = [w for w, _ in network.seen]
    for first in (0, 4, 8):
        ends = places[first], places[(first + 4) % 12]
        for step in range(4):
            torch.testing.assert_close(places[first + step], torch.lerp(*ends, step / 4))
    assert [frame.label for frame in frames] == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0], "the nearer stop is named"


def test_a_walk_can_be_truncated():
    network = Shown()
    taken(truncated(network, 0.2)[0])
    assert max(z.abs().max() for z, _ in network.seen) <= 0.2


def test_fewer_frames_than_stops_are_refused_at_once():
    with pytest.raises(ConfigError, match="a walk through 3 stops needs a frame for each"):
        walk(Shown(), CONDITIONAL, images=1, frames=2, classes=stops(CONDITIONAL, None), seed=0)
