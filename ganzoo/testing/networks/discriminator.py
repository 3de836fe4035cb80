"""Checks of what a discriminator says, and what is learned from it."""

from __future__ import annotations

import math

import torch

from ganzoo.protocols import Discriminator
from ganzoo.testing.check import check, demand
from ganzoo.testing.networks.gradients import second_gradient_is_right
from ganzoo.testing.networks.trial import fill_normal, output_of, shake, trial, weighted_sum
from ganzoo.testing.subject import Subject

UNSQUASHED = 10.0


@check(
    "raw-logits",
    Discriminator,
    "Logits and class logits are raw: no bound is put on them by a sigmoid, a tanh or a softmax.",
    every_choice=True,
)
def logits_are_raw(subject: Subject) -> None:
    """With weights and images far larger than any in use, logits are far from any bound of a squashing function."""
    one = trial(subject).double()
    one.set_mode(training=False)
    reach: dict[str, float] = {}
    for seed in range(4):
        fill_normal(one.network, scale=10.0, seed=seed)
        with torch.no_grad():
            answers = one.answers(one.given * 1e4)
        for name, value in answers.items():
            if "logits" in name:
                reach[name] = max(reach.get(name, 0.0), value.abs().max().item())
    for name, farthest in reach.items():
        demand(farthest > UNSQUASHED, f"with large weights {name} stays within ±{farthest:.3g}: something squashes it")


@check(
    "images-get-a-gradient",
    Discriminator,
    "The gradients of logits, class logits, features and embeddings reach the images, for they are all that a "
    "generator learns from.",
    every_choice=True,
)
def images_get_a_gradient(subject: Subject) -> None:
    """It is all a generator learns from."""
    for training in (True, False):
        one = trial(subject)
        shake(one.network)
        one.set_mode(training=training)
        for name, value in one.answers(one.given.requires_grad_()).items():
            if name == "proxies":
                continue  # they are of classes
            slope = _slope(weighted_sum(value), one.given)
            demand(slope is not None and slope.any(), f"no gradient of {name} reaches the images")
            demand(slope is not None and slope.isfinite().all(), f"the gradient of {name} is not finite")


def _slope(value: torch.Tensor, given: torch.Tensor) -> torch.Tensor | None:
    if not value.requires_grad:
        return None
    (slope,) = torch.autograd.grad(value, given, retain_graph=True, allow_unused=True)
    return slope


@check(
    "double-backward",
    Discriminator,
    "The gradient of the logits can be differentiated once more, as gradient penalties do.",
    every_choice=True,
)
def logits_take_a_penalty(subject: Subject) -> None:
    """Of the gradient at the images."""
    second_gradient_is_right(subject)


def counts_nothing(subject: Subject) -> str | None:
    """Most are one critic."""
    return None if getattr(output_of(subject), "feature_counts", ()) else "its features are those of one critic"


@check(
    "feature-counts",
    Discriminator,
    "Where ``feature_counts`` is given, there is a count for each map of logits, and they add up to the number of "
    "features.",
    skip=counts_nothing,
    every_choice=True,
)
def features_are_counted(subject: Subject) -> None:
    """Averages over critics and layers are taken of these groups."""
    output = output_of(subject)
    counts, features, maps = output.feature_counts, len(output.features), len(output.maps())
    demand(len(counts) == maps or not counts, f"feature_counts has {len(counts)} counts for {maps} maps of logits")
    demand(sum(counts) == features or not counts, f"feature_counts adds up to {sum(counts)}, of {features} features")


def weighs_nothing(subject: Subject) -> str | None:
    """Most maps count alike."""
    return None if getattr(output_of(subject), "map_weights", ()) else "its maps of logits count alike"


@check(
    "map-weights",
    Discriminator,
    "Where ``map_weights`` is given, there is a finite weight for each map of logits.",
    skip=weighs_nothing,
    every_choice=True,
)
def maps_are_weighed(subject: Subject) -> None:
    """Losses and distances of features are multiplied by them."""
    output = output_of(subject)
    weights, maps = output.map_weights, len(output.maps())
    demand(len(weights) in (0, maps), f"map_weights has {len(weights)} weights for {maps} maps of logits")
    demand(all(map(math.isfinite, weights)), f"map_weights is {weights}")
