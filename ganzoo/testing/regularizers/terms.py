"""Checks of the terms of a regularizer: their form, their names, and whom they teach."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import Regularizer
from ganzoo.testing.check import check, demand
from ganzoo.testing.regularizers.steps import fresh_terms, part_of, step_of
from ganzoo.testing.regularizers.tags import terms_of
from ganzoo.testing.regularizers.toys import IMAGES, PLAYERS, Toys, toys_for
from ganzoo.testing.subject import Subject, images_like

WIDE = images_like(3, 6, 10)
STEEP = 1000.0


@check(
    "protocol",
    Regularizer,
    "Base class of regularizers: every method has a default that does nothing.",
    every_choice=True,
)
def keeps_the_protocol(subject: Subject) -> None:
    """The right classes, and something in them."""
    options, part = subject.chosen, part_of(subject)
    name = type(options).__name__
    demand(isinstance(options, RegularizerOptions), f"{name} is not derived from RegularizerOptions")
    demand(isinstance(part, Regularizer), f"build() returns {type(part).__name__}, which is not a Regularizer")
    methods = ("discriminator_terms", "generator_terms", "after_step")
    own = [method for method in methods if getattr(type(part), method) is not getattr(Regularizer, method)]
    demand(own, f"{type(part).__name__} has none of {', '.join(methods)}: it does nothing")


@check(
    "scalars", Regularizer, "Each is a tensor without axes, finite, in the precision of the images.", every_choice=True
)
def gives_scalars(subject: Subject) -> None:
    """Of gray and of colored images, in both precisions."""
    for spec in (IMAGES, WIDE):
        for dtype in (torch.float32, torch.float64):
            demand_scalars(subject, toys_for(spec, dtype=dtype), dtype)


def demand_scalars(subject: Subject, toys: Toys, dtype: torch.dtype, *, where: str = "") -> None:
    """Demand that the terms of both players are finite scalars of that precision."""
    for player in PLAYERS:
        terms = terms_of(part_of(subject, toys.spec), step_of(subject, player, toys=toys))
        demand(isinstance(terms, dict), f"{player}_terms() returns {type(terms).__name__}, not a dict")
        for name, term in terms.items():
            what = f"{where}{player}_terms() gives {name!r}"
            demand(isinstance(name, str), f"{what}, which is not text")
            demand(isinstance(term, Tensor), f"{what} as {type(term).__name__}, not as a tensor")
            demand(term.shape == (), f"{what} of shape {tuple(term.shape)}")
            demand(term.dtype == dtype, f"{what} as {term.dtype} for images of {dtype}")
            demand(term.isfinite(), f"{what} = {term.item():g}")


@check(
    "names",
    Regularizer,
    "Names are of a to z, 0 to 9 and ``_``, begin with the component's own and do not depend on the batch.",
    every_choice=True,
)
def names_are_plain(subject: Subject) -> None:
    """They become keys of ``metrics.jsonl``."""
    own = "" if subject.record is None else subject.record.name.replace("-", "_")
    for player in PLAYERS:
        names = [sorted(fresh_terms(subject, step_of(subject, player, n, seed=n))) for n in (4, 2, 6)]
        demand(names[0] == names[1] == names[2], f"names depend on the batch: {names[0]}, {names[1]}, {names[2]}")
        for name in names[0]:
            demand(re.fullmatch("[a-z][a-z0-9_]*", name), f"a term is called {name!r}")
            demand(name != "adversarial", "a term is called 'adversarial', as that of the loss")
            demand(name.startswith(own), f"a term is called {name!r}, which does not begin with {own}")


@check(
    "gradient", Regularizer, "A term has a gradient to the player's own network, and to no other.", every_choice=True
)
def teaches_its_player(subject: Subject) -> None:
    """Against critics of several slopes: a one-sided penalty may be 0 at one of them."""
    for player in PLAYERS:
        learns: dict[str, bool] = {}
        for steepness in (1.0, STEEP, 1 / STEEP):
            toys = toys_for(steepness=steepness)
            for name, term in fresh_terms(subject, step_of(subject, player, toys=toys)).items():
                learns[name] = learns.get(name, False) or _reaches(term, toys.of(player))
                demand(not _reaches(term, toys.other(player)), f"in {player}'s step {name!r} teaches the other player")
        for name, so in learns.items():
            demand(so, f"{name!r} has no gradient to {player}'s network: nothing can be learned from it")


@check("finite-gradient", Regularizer, "That gradient is finite, also where the critic is flat.", every_choice=True)
def gradients_are_finite(subject: Subject) -> None:
    """Against critics of several slopes, 0 among them: the root of a sum of squares has no gradient there."""
    for player in PLAYERS:
        for steepness in (1.0, STEEP, 1 / STEEP, 0.0):
            toys = toys_for(steepness=steepness)
            for name, term in fresh_terms(subject, step_of(subject, player, toys=toys)).items():
                broken = [which for which, one in _gradients(term, toys.of(player)).items() if not one.isfinite().all()]
                where = f"for a critic of slope {steepness:g}"
                demand(not broken, f"{where} the gradient of {name!r} is not finite at {', '.join(broken)}")


def _reaches(term: Tensor, network: nn.Module) -> bool:
    return any(bool(gradient.any()) for gradient in _gradients(term, network).values())


def _gradients(term: Tensor, network: nn.Module) -> dict[str, Tensor]:
    """Of a term at the weights that learn, as far as it depends on them."""
    trained = {name: one for name, one in network.named_parameters() if one.requires_grad}
    if not (term.requires_grad and trained):
        return {}
    found = torch.autograd.grad(term, list(trained.values()), retain_graph=True, allow_unused=True)
    return {name: one for name, one in zip(trained, found, strict=True) if one is not None}
