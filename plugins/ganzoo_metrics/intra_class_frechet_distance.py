"""The Fréchet distance within each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo_metrics.demands import both
from ganzoo_metrics.frechet_distance import frechet_distance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganzoo.protocols import Features


class IntraClassFrechetDistance(Options):
    """Mean over classes of the Fréchet distance between real and generated features of that class.

    Formula:
        intra_fd = (1/K) Σ_k fd(features of real data of class k, features of samples asked for as class k)

    K counts the classes that the real data have. It sees what the distance over all classes cannot: a generator that
    ignores the class it is asked for. It is at least 0, and more biased than the distance over all, for each class has
    a fraction of the samples.

    Raises:
        ConfigError: no labels, or a class with fewer than 2 real or generated samples; they are named.

    Source: Miyato & Koyama 2018, arXiv:1802.05637, section 5.1; DeVries et al. 2019, arXiv:1907.08175.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"features", "labels"})
    higher_is_better: ClassVar[bool] = False
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {"intra_fd": (0, None)}
    fewest_samples: ClassVar[int] = 2

    samples: int = Field(
        default=5000, ge=2, le=10_000_000, description="number of generated samples, of all classes together"
    )

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``intra_fd``; draws nothing."""
        reals, fakes = both("intra-class-frechet-distance", real, fake, least=self.fewest_samples)
        if real.labels is None or fake.labels is None:
            raise ConfigError("metric intra-class-frechet-distance needs labels of real and generated data")
        classes = torch.unique(real.labels).tolist()
        few = [k for k in classes if min(int((real.labels == k).sum()), int((fake.labels == k).sum())) < 2]
        if few:
            raise ConfigError(
                "metric intra-class-frechet-distance needs at least 2 real and 2 generated samples of each class",
                given=f"fewer of class {', '.join(map(str, few[:10]))}",
                allowed="at least 2 of each",
                hint="-n 5000",
            )
        distances = [frechet_distance(reals[real.labels == k], fakes[fake.labels == k]) for k in classes]
        return {"intra_fd": sum(distances) / len(distances)}

    def warnings(self, *, real: Features, fake: Features) -> list[str]:
        """That a class has too few samples for a covariance."""
        if real.features is None or real.labels is None or fake.labels is None:
            return []
        width = real.features.shape[1]
        classes = torch.unique(real.labels)
        fewest = min(int((side == k).sum()) for side in (real.labels, fake.labels) for k in classes)
        if fewest > width:
            return []
        return [
            f"a class has {fewest:,} samples, too few for the covariance of {width:,} features: the distance is far "
            "too large, and comparable only at the same numbers of samples"
        ]
