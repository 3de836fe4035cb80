"""A walk through the latents of a generator: a closed loop of images that change gradually."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.evaluation.sampling import to_uint8
from ganzoo.evaluation.truncation import has_normal_latents, has_style
from ganzoo.protocols import DataSpec, Generator
from ganzoo.seeds import generator_for
from ganzoo.training.sampler import Sampler

STOPS = 4
"""Latents that a walk without classes passes, for each image of its grid."""
MOST_CLASSES = 16
"""So many classes a walk passes."""
PARALLEL = 1e-4
"""Below this angle, in radians, slerp divides by almost zero, and is a straight line anyway."""


class Frame(NamedTuple):
    """Images (N, C, H, W), uint8, and the class of all of them."""

    images: Tensor
    label: int | None


def stops(spec: DataSpec, label: int | None) -> list[int | None]:
    """The class at each stop of a walk: the one that is asked for, or each that occurs in the data."""
    if not spec.conditional:
        return [None] * STOPS
    if label is not None:
        return [label] * STOPS
    occurring = [number for number, share in enumerate(spec.marginal) if share > 0][:MOST_CLASSES]
    return [*occurring] if len(occurring) > 1 else [occurring[0]] * STOPS


def walk(
    network: Generator, spec: DataSpec, *, images: int, frames: int, classes: Sequence[int | None], seed: int
) -> Iterator[Frame]:
    """The frames of a walk from stop to stop and back to the first; each image has latents of its own.

    With a style, w goes in straight lines from stop to stop, and so from class to class. Otherwise latents go along
    great circles (slerp) if they are normal, since the middle of a straight line is shorter than any normal latent,
    and in straight lines if not; the class changes at each stop.

    Args:
        network: ready for evaluation.
        spec: of the data that it was trained on.
        images: how many are shown at once.
        frames: how many there are, at least one per stop.
        classes: the class at each stop, ``None`` for an unconditional generator.
        seed: of the latents.

    Raises:
        ConfigError: fewer frames than stops.
    """
    if frames < len(classes):
        raise ConfigError(
            f"a walk through {len(classes)} stops needs a frame for each",
            given=frames,
            allowed=f"at least {len(classes)}",
            hint=f"--frames {12 * len(classes)}",
        )
    sampler = Sampler.of(network, spec)
    points = [
        Station(
            sampler.latents(images, random=generator_for(seed, "walk", number)),
            None if one is None else sampler.put(torch.full((images,), one)),
            one,
        )
        for number, one in enumerate(classes)
    ]
    between = _by_style(network) if has_style(network) else _by_latents(network)
    return _frames(points, frames, between)


class Station(NamedTuple):
    """Latents and labels that a walk passes; ``label`` is the one in all of ``labels``."""

    z: Tensor
    labels: Tensor | None
    label: int | None


_Between = Callable[[Station, Station, float], Frame]
"""What is shown at a share of the way from one stop to the next."""


@torch.no_grad()
def _frames(points: Sequence[Station], frames: int, between: _Between) -> Iterator[Frame]:
    for frame in range(frames):
        place, rest = divmod(frame * len(points), frames)
        yield between(points[place], points[(place + 1) % len(points)], rest / frames)


def _by_style(network: Any) -> _Between:
    def between(one: Station, other: Station, share: float) -> Frame:
        w = torch.lerp(network.mapping(one.z, one.labels), network.mapping(other.z, other.labels), share)
        return Frame(to_uint8(network.synthesis(w)), one.label if share < 0.5 else other.label)

    return between


def _by_latents(network: Generator) -> _Between:
    way = slerp if has_normal_latents(network) else torch.lerp

    def between(one: Station, other: Station, share: float) -> Frame:
        return Frame(to_uint8(network(way(one.z, other.z, share), one.labels)), one.label)

    return between


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Spherical interpolation of latents (N, …), sample by sample: ``a`` at share 0, ``b`` at share 1.

    Formula:
        sin((1−t)ω)/sin ω · a + sin(tω)/sin ω · b,  with ω the angle between a and b

    Source: Shoemake 1985; for latents, White 2016, arXiv:1609.04468.
    """
    one, other = a.flatten(1), b.flatten(1)
    angle = torch.acos(torch.cosine_similarity(one, other, dim=1).clamp(-1, 1))[:, None]
    straight = angle.sin() < PARALLEL
    sine = angle.sin().masked_fill(straight, 1)
    on_arc = ((1 - share) * angle).sin() / sine * one + (share * angle).sin() / sine * other
    return torch.where(straight, torch.lerp(one, other, share), on_arc).view_as(a)
