"""Checks of regularizers that carry, or lack, a tag."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganzoo.protocols import Regularizer
from ganzoo.testing.check import check, demand
from ganzoo.testing.regularizers.steps import fresh_terms, part_of, step_of
from ganzoo.testing.regularizers.tags import terms_of
from ganzoo.testing.regularizers.terms import STEEP, demand_scalars
from ganzoo.testing.regularizers.toys import Toys, toys_for, view_of
from ganzoo.testing.subject import VECTORS, Subject


def takes_images_only(subject: Subject) -> str | None:
    """A tag of its own says so."""
    return "it carries the tag needs_images" if "needs_images" in subject.tags else None


@check(
    "vectors", Regularizer, "Data are images or vectors, unless it carries ``needs_images``.", skip=takes_images_only
)
def takes_vectors(subject: Subject) -> None:
    """Points of the plane."""
    demand_scalars(subject, toys_for(VECTORS), torch.float64)


def without_tag(tag: str) -> Callable[[Subject], str | None]:
    """Skip what does not carry it."""
    return lambda subject: None if tag in subject.tags else f"it does not carry the tag {tag}"


@check(
    "generator-term",
    Regularizer,
    "One that carries ``replaces_generator_loss`` has a term for the generator.",
    skip=without_tag("replaces_generator_loss"),
)
def gives_the_generator_a_term(subject: Subject) -> None:
    """It would have no objective otherwise."""
    terms = fresh_terms(subject, step_of(subject, "generator"))
    demand(terms, "it replaces the generator's loss, and gives it no term")


@check(
    "discriminator-term",
    Regularizer,
    "One that carries ``replaces_discriminator_loss`` has one for the discriminator.",
    skip=without_tag("replaces_discriminator_loss"),
)
def gives_the_discriminator_a_term(subject: Subject) -> None:
    """Likewise."""
    terms = fresh_terms(subject, step_of(subject, "discriminator"))
    demand(terms, "it replaces the discriminator's loss, and gives it no term")


@check(
    "slope",
    Regularizer,
    "One that carries ``limits_slope`` makes a very steep critic less steep.",
    skip=without_tag("limits_slope"),
    every_choice=True,
)
def makes_slopes_smaller(subject: Subject) -> None:
    """Its own terms alone, each step by 2 % of the length of each weight, and its projections."""
    toys, part = toys_for(steepness=STEEP), part_of(subject)
    before = _slope(toys)
    parameters = list(toys.critic.parameters())
    for seed in range(25):
        terms = terms_of(part, step_of(subject, "discriminator", toys=toys, seed=seed))
        if terms:
            _descend(torch.stack(list(terms.values())).sum(), parameters)
        part.after_step("discriminator", toys.critic)
    after = _slope(toys)
    demand(after < 0.9 * before, f"a critic of slope {before:.3g} has {after:.3g} after 25 steps of it alone")


def _descend(objective: Tensor, parameters: list[nn.Parameter]) -> None:
    gradients = torch.autograd.grad(objective, parameters, allow_unused=True, materialize_grads=True)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(0.02 * parameter.norm() * gradient / gradient.norm().clamp(min=1e-30))


def _slope(toys: Toys) -> float:
    """The mean length of the critic's gradient at real data and fakes."""
    view = view_of("discriminator", 16, toys=toys)
    images = torch.cat([view.real, view.fake]).requires_grad_()
    labels = torch.cat([labels for labels in (view.real_labels, view.fake_labels) if labels is not None])
    (gradient,) = torch.autograd.grad(toys.critic(images, labels).logits.sum(), images)
    return float(gradient.flatten(1).norm(dim=1).mean())
