"""Which of the known modes a generator reaches, and how many of its samples are near one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ganzoo.component import Options
from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganzoo.protocols import Features


class ModeCoverage(Options):
    """Modes captured, share of high-quality samples, and reverse KL, on Gaussians whose centers are known.

    Formula:
        d_i = min_k ‖x_i − c_k‖₂        k_i = argmin_k ‖x_i − c_k‖₂
        H = {i : d_i < within · std}    q_k = |{i ∈ H : k_i = k}| / |H|
        modes = |{k : q_k > 0}|         high_quality = |H| / N         reverse_kl = ln K + Σ_k q_k ln q_k

    ``x`` (N, D) are generated vectors, ``c`` (K, D) the centers and std the spread of the data around each. A sample on
    the boundary is outside. A sample equally far from two centers counts for the first. A sample that is not finite is
    of low quality. ``modes`` is between 0 and K, ``high_quality`` between 0 and 1, ``reverse_kl`` between 0 (all modes
    equally often) and ln K (all in one). If no sample is of high quality, there is no q, and ``reverse_kl`` is its
    largest value, ln K.

    A perfect generator of two-dimensional Gaussians has a high_quality of 1 − e^(−within²/2), 98.9 % at 3, not 100 %;
    the sampling error at 2,500 samples is 0.2 %. How rarely a mode may be hit and still count as captured depends on
    ``samples``, so results at different values must not be compared.

    Where implementations differ: PacGAN's code has the same boundary, ties and histogram, and reports its entropy and
    its Jensen–Shannon divergence from the uniform one instead of reverse KL.

    Raises:
        ConfigError: if the data have no known modes or another dimension than the modes, or if there is no sample.

    Source: Srivastava et al. 2017, arXiv:1705.07761 (rule); Lin et al. 2018, arXiv:1712.04086 (settings).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"images", "modes"})
    higher_is_better: ClassVar[bool] = True
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {
        "high_quality": (0, 1),
        "modes": (0, None),
        "reverse_kl": (0, None),
    }

    samples: int = Field(default=2500, ge=1, le=10_000_000, description="number of generated samples to measure")
    within: float = Field(
        default=3.0,
        gt=0,
        description="a sample is of high quality if it is nearer to a mode than this, in standard deviations",
    )

    def __call__(self, *, real: Features, fake: Features, random: torch.Generator) -> dict[str, float]:
        """``modes``, ``high_quality`` and ``reverse_kl`` of the generated samples; draws nothing."""
        samples, modes, std = _checked(real, fake)
        distance, nearest = _to_nearest(samples, modes)
        good = distance < self.within * std
        counts = torch.bincount(nearest[good], minlength=len(modes)).double()
        return {
            "modes": float((counts > 0).sum()),
            "high_quality": float(good.double().mean()),
            "reverse_kl": _reverse_kl(counts),
        }


def _checked(real: Features, fake: Features) -> tuple[Tensor, Tensor, float]:
    samples, modes, std = fake.images, real.modes, real.mode_std
    if samples is None or modes is None or std is None or samples.dim() != 2:
        raise ConfigError(
            "metric mode-coverage needs vectors with known modes and a known spread around them",
            allowed="--data ring, --data grid, or a dataset with modes and mode_std",
            hint="--data grid --gen mlp --disc mlp",
        )
    if samples.shape[1] != modes.shape[1] or len(samples) == 0:
        raise ConfigError(
            "metric mode-coverage needs samples of the same dimension as the modes",
            given=f"samples {tuple(samples.shape)}, modes {tuple(modes.shape)}",
            allowed="at least one sample, as wide as the modes",
            hint="use the generator with the data it was trained on",
        )
    return samples.double(), modes.to(samples.device, torch.float64), std


def _to_nearest(samples: Tensor, modes: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) distances to the nearest mode, and which it is."""
    # By differences: torch.cdist expands the square for many points, which loses what a small std needs.
    distances = torch.linalg.vector_norm(samples[:, None] - modes[None], dim=2)
    nearest = distances.argmin(1)
    return distances.gather(1, nearest[:, None]).squeeze(1), nearest


def _reverse_kl(counts: Tensor) -> float:
    largest = math.log(len(counts))
    if not counts.any():
        return largest
    share = counts / counts.sum()
    # Rounding may leave a uniform histogram a hair below zero.
    return max(0.0, largest + float(torch.special.xlogy(share, share).sum()))
