"""What the curves of a run would come to at p_g = p_data, as far as its loss says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ganzoo.component import Options
from ganzoo.config.layers import RunConfig
from ganzoo.errors import GanzooError
from ganzoo.planning.building import NO_DATA
from ganzoo.planning.options import options_of
from ganzoo.registry import Registry
from ganzoo.training.equilibrium import LossScale, balance, equilibrium


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What holds at p_g = p_data.

    Attributes:
        values: ``d`` and ``g``: the adversarial terms, of the players for which one is stated.
        logits: what both mean logits lie between; ``None`` if nothing is known of them.
    """

    values: dict[str, float] = field(default_factory=dict)
    logits: tuple[float, float] | None = None


def goal_of(registry: Registry, config: RunConfig) -> Goal:
    """The goal of a run's loss; none if the loss states none, or is not installed any more.

    The values are those of the loss itself: not of a sum over several outputs of D, nor of another objective that
    stands in place of G's.
    """
    try:
        tags = _tags(registry, config)
        options, loss = _loss(registry, config)
    except (GanzooError, ValueError):
        return Goal()
    values = {} if "multiple_outputs" in tags else equilibrium(loss)
    unrolled = config.train.unroll_steps and config.train.unroll_objective == "minimax"
    if unrolled or "replaces_generator_loss" in tags:
        values.pop("g", None)
    return Goal(values=values, logits=balance(loss, energy="needs_energy" in options.tags()))


def scale_of(registry: Registry, config: RunConfig) -> LossScale | None:
    """How the rows of a run are to be read by its loss.

    ``None`` where rows do not hold what the loss says: a sum over several outputs of D, or a loss that is not installed
    any more, or cannot be asked.
    """
    try:
        if "multiple_outputs" in _tags(registry, config):
            return None
        options, loss = _loss(registry, config)
        tags = options.tags()
        return LossScale.of(loss, energy="needs_energy" in tags, compares="generator_needs_real" in tags)
    except (
        Exception
    ):  # a loss of a plugin may do what it likes with logits that no run has: it costs the verdicts alone
        return None


def _loss(registry: Registry, config: RunConfig) -> tuple[Options, Any]:
    options = options_of(registry.get("loss", config.loss.name), config.loss.options())
    options = options.resolve(NO_DATA)
    return options, options.build(NO_DATA)


def _tags(registry: Registry, config: RunConfig) -> frozenset[str]:
    chosen = [("discriminator", config.discriminator.name, config.discriminator.options())]
    chosen += [("regularizer", name, options) for name, options in config.regularizers.items()]
    tags: frozenset[str] = frozenset()
    for kind, name, options in chosen:
        tags |= options_of(registry.get(kind, name), options).tags()
    return tags
