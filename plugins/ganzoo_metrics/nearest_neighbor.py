"""Whether generated samples are copies of training data."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo_metrics.demands import both
from ganzoo_metrics.distances import to_nearest, widened
from ganzoo_metrics.feature_matrix import order_by_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganzoo.protocols import Features

MOST = 5000
"""So many training samples say how near such samples are to each other."""


class NearestNeighbor(Options):
    """How near generated samples are to the training data, beside how near those are to each other.

    Formula:
        d(x) = min_i ‖x − t_i‖ over all training samples t_i (other than x itself)
        copies = |{f : d(f) ≤ q}| / N_f         q: ``quantile`` of d over the training samples
        nearest = median of d(f)

    of features (N, F). ``copies`` is between 0 and 1; of data that were not trained on about ``quantile`` lie that
    near, which is what stands as the floor: much more means that training data are repeated. ``nearest`` well below its
    floor says the same; above it samples are unlike the data. Neither is a proof: look at the pairs.

    All training data are compared with, whatever the number of samples: a copy of one that was left out would not be
    noticed. d over the training samples is taken from up to 5,000 of them.

    Raises:
        ConfigError: fewer than 2 training samples, or no generated one.

    Source: the comparison with held-out data after Meehan et al. 2020, arXiv:2004.05675, section 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"features"})
    higher_is_better: ClassVar[bool] = False
    better: ClassVar[Mapping[str, str | None]] = {"copies": None}
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {"copies": (0, 1), "nearest": (0, None)}
    whole_reference: ClassVar[bool] = True

    samples: int = Field(default=1000, ge=1, le=10_000_000, description="number of generated samples")
    quantile: float = Field(default=0.01, gt=0, lt=1, description="share of training samples that are that near others")

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``copies`` and ``nearest``; draws nothing."""
        trained, fakes = both("nearest-neighbor", real, fake, least=1)
        if len(trained) < 2:
            both("nearest-neighbor", real, fake, least=2)
        # By content, not by place, so that the order of the data does not matter.
        trained = trained[order_by_content(trained)]
        found, name = real.known().found, f"ganzoo_metrics 1: nearest other of {MOST} by content"
        among = found.get(name)
        if among is None:
            among = found[name] = to_nearest(trained[:MOST], trained, themselves=True)
        threshold = among.quantile(self.quantile, interpolation="lower")
        distances = to_nearest(fakes, trained)
        return {
            "copies": float((distances <= widened(threshold, fakes, trained)).double().mean()),
            "nearest": float(distances.sqrt().quantile(0.5)),
        }
