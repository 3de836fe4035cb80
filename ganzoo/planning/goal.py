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
    if "replaces_discriminator_loss" in tags:
        values.pop("d", None)
    return Goal(values=values, logits=balance(loss, energy="needs_energy" in options.tags()))


def scale_of(registry: Registry, config: RunConfig) -> LossScale | None:
    """How the rows of a run are to be read by its loss; ``None`` as for :func:`scale_of_loss`, or if it is gone."""
    try:
        tags = _tags(registry, config)
        options, loss = _loss(registry, config)
    except (GanzooError, ValueError):
        return None
    return scale_of_loss(options, loss, tags | options.tags())


def scale_of_loss(options: Options, loss: Any, tags: frozenset[str]) -> LossScale | None:
    """How the rows of a run with these tags are to be read.

    ``None`` where rows do not hold what the loss says: a sum over several outputs of D, or another objective of D's.
    Also where the loss cannot be asked for single logits in float64, which no run needs.
    """
    if tags & {"multiple_outputs", "replaces_discriminator_loss"}:
        return None
    own = options.tags()
    try:
        scale = LossScale.of(loss, energy="needs_energy" in own, compares="generator_needs_real" in own)
        scale.pull(real=0.0, fake=0.0)  # one that cannot be asked is to say so here
        return scale
    except Exception:
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
