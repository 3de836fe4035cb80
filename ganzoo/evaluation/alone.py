"""A metric by itself, on arrays of one's own: ``ganzoo.measure``."""

from __future__ import annotations

import logging
import math
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ConfigError, PluginError
from ganzoo.evaluation.traits import warnings_of
from ganzoo.planning.building import build
from ganzoo.protocols import DataSpec, Features, Metric

logger = logging.getLogger("ganzoo")

SEEN = ("features", "class_probs", "images")
"""What a bare array can be."""
OF_REAL_DATA = {"held_out", "modes"}
"""What generated data do not have."""

SUM_TOLERANCE = 1e-2
"""Probabilities in half precision sum to 1 about as well."""


def measure(metric: str, /, *, real: Any, fake: Any, seed: int = 0, **options: Any) -> dict[str, float]:
    """Compute a metric on arrays: ``ganzoo.measure("frechet-distance", real=features, fake=others)``.

    The numbers are those of ``ganzoo evaluate`` for the same arrays, without a floor and without a record of where they
    come from. What the metric says is to be borne in mind, as of too few samples, is logged as a warning.

    Args:
        metric: name, as in ``ganzoo list metrics``.
        real: NumPy array or tensor of what the metric looks at: features (N, F), class probabilities (N, K), uint8
            pictures (N, C, H, W) or vectors (N, D). :class:`ganzoo.protocols.Features` where it looks at more, such as
            labels; classes are called by their numbers.
        fake: the same of generated data.
        seed: of what the metric draws.
        options: as in ``ganzoo info NAME``.

    Raises:
        UnknownNameError: nobody provides the metric.
        ConfigError: an option is unknown or out of range; the metric needs more than an array; an array has the wrong
            shape or type, too few rows, or values that are not finite or no probabilities; or fields of one side are
            of unlike lengths.
        PluginError: the metric gives a number that is not finite.
    """
    built: Metric = build("metric", metric, spec=_spec(real, fake), **options)
    sides = {side: _side(metric, built, side, given) for side, given in (("real", real), ("fake", fake))}
    for name in ("features", "class_probs"):
        widths = [given.shape[1] for one in sides.values() if (given := getattr(one, name)) is not None]
        if len(set(widths)) > 1:
            raise ConfigError(
                f"{name} of real and generated data have unlike widths",
                given=" and ".join(map(str, widths)),
                allowed="both from one extractor",
            )
    for text in warnings_of(built, **sides):
        logger.warning("metric %s: %s", metric, text)
    found = built(**sides, random=torch.Generator().manual_seed(seed))
    numbers = {key: float(value) for key, value in found.items()}
    if wrong := [key for key, value in numbers.items() if not math.isfinite(value)]:
        raise PluginError(f"{', '.join(wrong)} of metric {metric} is not a finite number")
    return numbers


def _spec(*sides: Any) -> DataSpec | None:
    """As many classes as labels tell of, called by their numbers; ``None`` without labels."""
    known = [side for side in sides if isinstance(side, Features)]
    given = [one.labels for one in known if one.labels is not None and len(one.labels)]
    if not given:
        return None
    count = 1 + int(max(labels.max() for labels in given))
    return DataSpec(shape=(1,), classes=tuple(map(str, range(count))), marginal=(1 / count,) * count)


def _side(name: str, metric: Metric, side: str, given: Any) -> Features:
    """What is given of one side, checked."""
    features = given if isinstance(given, Features) else _of_array(name, metric, side, given)
    needed = metric.needs if side == "real" else metric.needs - OF_REAL_DATA
    if missing := sorted(one for one in needed if getattr(features, one) is None):
        raise ConfigError(
            f"metric {name} needs {', '.join(missing)} of {side}, which are not given",
            allowed=f"Features with {', '.join(sorted(needed))}",
        )
    lengths = {field: len(values) for field in (*SEEN, "labels") if (values := getattr(features, field)) is not None}
    if len(set(lengths.values())) > 1:
        raise ConfigError(
            f"fields of {side} are of unlike numbers of samples",
            given=", ".join(f"{field} of {length}" for field, length in lengths.items()),
            allowed="a row, and a label, for each sample",
        )
    for field in SEEN:
        if (values := getattr(features, field)) is not None:
            _check(side, field, values)
    if (rows := features.class_probs) is not None and not _distributions(rows):
        raise ConfigError(
            f"class_probs of {side} are no rows of probabilities",
            given=f"values from {rows.min():.3g} to {rows.max():.3g}, sums from {rows.sum(1).min():.3g}",
            allowed="values from 0 that sum to 1 in each row, as softmax gives them",
        )
    return features


def _distributions(rows: Tensor) -> bool:
    return bool((rows >= 0).all() and ((rows.double().sum(1) - 1).abs() < SUM_TOLERANCE).all())


def _of_array(name: str, metric: Metric, side: str, given: Any) -> Features:
    if len(metric.needs) != 1 or not metric.needs <= set(SEEN):
        raise ConfigError(
            f"metric {name} needs {', '.join(sorted(metric.needs))}, which one array cannot hold",
            given=f"{side} of type {type(given).__name__}",
            allowed="ganzoo.protocols.Features with these fields, of real data and of generated data",
        )
    values = {field: torch.as_tensor(given) for field in metric.needs}
    return Features(images=values.get("images"), features=values.get("features"), class_probs=values.get("class_probs"))


def _check(side: str, field: str, values: Tensor) -> None:
    what, pictures = f"{field} of {side}", values.ndim == 4
    given = f"{str(values.dtype).removeprefix('torch.')} {tuple(values.shape)}"
    if field == "images" and ((values.dtype != torch.uint8) if pictures else (values.ndim != 2)):
        raise ConfigError(
            f"{what} cannot be read", given=given, allowed="pictures, uint8 (N, C, H, W); or vectors (N, D)"
        )
    if field != "images" and values.ndim != 2:
        seen = "these are pictures, which an extractor has to look at first" if pictures else "these are not"
        raise ConfigError(
            f"{what} are a row of numbers for each sample, and {seen}",
            given=given,
            allowed=f"(N, {'F' if field == 'features' else 'K'}), what an extractor gives for N pictures",
            hint="ganzoo evaluate FOLDER --data PATH, which looks at pictures through an extractor",
        )
    if not values.isfinite().all():
        raise ConfigError(f"{what} are not all finite", allowed="finite numbers")
