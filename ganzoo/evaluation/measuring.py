"""Metrics during training: draw samples without perturbing the run, and let each metric compare them with real data."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ConfigError, PluginError
from ganzoo.evaluation import sampling
from ganzoo.evaluation.sampling import BATCHES_FOR_A_LOOK
from ganzoo.planning.plan import Plan
from ganzoo.protocols import Features, Metric
from ganzoo.seeds import generator_for
from ganzoo.training.state import TrainState

logger = logging.getLogger("ganzoo")

SAMPLES = 2500
"""Drawn for a metric that does not say how many it wants (``samples``)."""


def measures(plan: Plan, state: TrainState) -> Callable[[], dict[str, float]]:
    """A function that measures the generator as it stands: ``metric/NAME/…`` → value."""
    metrics = metrics_of(plan)

    def measure() -> dict[str, float]:
        seed = plan.config.seed
        uniform = plan.config.train.uniform_labels
        network = sampling.ready(state.averaged(), plan.spec, uniform=uniform, seed=seed, batches=BATCHES_FOR_A_LOOK)
        found: dict[str, float] = {}
        for name, metric in metrics.items():
            count = int(getattr(metric, "samples", SAMPLES))
            made = list(sampling.chunks(network, plan.spec, count, labels=None, seed=seed))
            images = torch.cat([part for part, _ in made])
            labels = [chosen for _, chosen in made if chosen is not None]
            fake = _features(plan, images, torch.cat(labels) if labels else None)
            real = _features(plan, *_real(plan, count))
            try:
                values = metric(real=real, fake=fake, random=generator_for(seed, "metric", name))
                found |= {f"metric/{name}/{key}": float(value) for key, value in values.items()}
            except Exception as error:  # a measurement that fails must not cost the training
                logger.warning(
                    "metric %s of %s raised %s at step %d, so it is missing there: %s",
                    name,
                    plan.entries[f"metrics.{name}"].provider,
                    type(error).__name__,
                    state.step,
                    error,
                )
                logger.debug("traceback:\n%s", "".join(traceback.format_exception(error)))
        return found

    return measure


def metrics_of(plan: Plan) -> dict[str, Metric]:
    """The metrics of a run by name.

    Raises:
        ConfigError: a metric needs what these data do not have.
        PluginError: a component of kind metric is none.
    """
    return {name: _metric(plan, name) for name in plan.config.metrics}


def real_part(plan: Plan, count: int) -> Tensor:
    """So many of the real data, always the same: a shuffle of their own, at most all of them."""
    return _real(plan, count)[0]


def _real(plan: Plan, count: int) -> tuple[Tensor, Tensor | None]:
    order = torch.randperm(len(plan.dataset), generator=generator_for(0, "real", plan.dataset.fingerprint))[:count]
    labels = plan.dataset.labels
    return plan.dataset.read(order), None if labels is None else labels[order]


def _metric(plan: Plan, name: str) -> Metric:
    metric: Any = plan.options[f"metrics.{name}"].build(plan.spec)
    provider = plan.entries[f"metrics.{name}"].provider
    if not callable(metric) or not hasattr(metric, "needs"):
        raise PluginError(
            f"metric {name} of {provider} does not build a Metric",
            given=type(metric).__name__,
            allowed="an object with needs, higher_is_better and __call__(*, real, fake, random)",
        )
    available = {"images"} | ({"modes"} if plan.dataset.modes is not None else set())
    if plan.spec.conditional:
        available.add("labels")
    missing = ", ".join(sorted(metric.needs - available))
    if missing:
        raise ConfigError(
            f"metric {name} needs {missing}, which a run on data {plan.config.data.name} does not have",
            allowed=", ".join(sorted(available)),
            hint="leave the metric out: --metric none",
        )
    result: Metric = metric
    return result


def _features(plan: Plan, images: Tensor, labels: Tensor | None) -> Features:
    return Features(
        images=images,
        labels=labels,
        modes=plan.dataset.modes,
        mode_std=getattr(plan.dataset, "mode_std", None),
    )
