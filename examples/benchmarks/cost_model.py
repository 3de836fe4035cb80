"""What a step costs: a constant, so much per operation, and what processes tell each other.

    seconds = a + b · GFLOP + Σ over exchanges of (hops · latency + 2 (p - 1) / p · bytes / bandwidth)

A ring of p processes passes each part of a tensor on 2 (p - 1) times, each process sending 2 (p - 1) / p of its bytes.
A tree needs only 2 log₂ p hops, for about as many bytes. Exchanges are added to the time of computing, as ganzoo waits
for each of them before it goes on. Nothing here needs torch; ``predictions.py`` fits this to what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Shape = Literal["ring", "tree"]


@dataclass(frozen=True)
class Compute:
    """How fast one process computes.

    Attributes:
        constant: seconds of each step, whatever it computes.
        per_gflop: seconds per 10⁹ operations.
    """

    constant: float
    per_gflop: float

    def seconds(self, gflop: float) -> float:
        """Of a step with so many operations."""
        return self.constant + self.per_gflop * gflop


@dataclass(frozen=True)
class Link:
    """How processes reach each other.

    Attributes:
        latency: seconds of each hop.
        bandwidth: bytes per second, in one direction.
    """

    latency: float
    bandwidth: float

    def seconds(self, size: float, ranks: int, *, shape: Shape = "ring") -> float:
        """Of adding up a tensor of so many bytes over all processes; 0 for one alone."""
        return hops(ranks, shape=shape) * self.latency + passed(ranks) * size / self.bandwidth


def hops(ranks: int, *, shape: Shape = "ring") -> int:
    """How often something is passed on, one time after another."""
    return 2 * (ranks - 1) if shape == "ring" else 2 * math.ceil(math.log2(ranks))


def passed(ranks: int) -> float:
    """How many times its bytes each process sends."""
    return 2 * (ranks - 1) / ranks


def step_seconds(
    compute: Compute, link: Link, *, gflop: float, exchanges: Sequence[float], ranks: int, shape: Shape = "ring"
) -> float:
    """Of a step of all: the operations of one process, then the exchanges, given by their bytes."""
    return compute.seconds(gflop) + sum(link.seconds(size, ranks, shape=shape) for size in exchanges)


def fit_compute(gflop: Sequence[float], seconds: Sequence[float]) -> Compute:
    """From steps of one process."""
    constant, per_gflop = _least_squares([(1.0, each) for each in gflop], seconds)
    return Compute(constant=constant, per_gflop=per_gflop)


def fit_link(ranks: Sequence[int], sizes: Sequence[float], seconds: Sequence[float]) -> Link:
    """From exchanges by themselves, as a ring."""
    rows = [(float(hops(p)), passed(p) * size) for p, size in zip(ranks, sizes, strict=True)]
    latency, per_byte = _least_squares(rows, seconds)
    return Link(latency=latency, bandwidth=1 / per_byte)


def _least_squares(rows: Sequence[tuple[float, float]], seconds: Sequence[float]) -> tuple[float, float]:
    """The two factors with the least relative errors: points differ by a factor of a thousand, and all should count."""
    weights = 1 / np.asarray(seconds, dtype=float)
    columns = np.asarray(rows, dtype=float) * weights[:, None]
    scale = np.abs(columns).max(axis=0)  # bytes are large beside a constant of 1
    factors = np.linalg.lstsq(columns / scale, np.ones(len(weights)), rcond=None)[0] / scale
    return float(factors[0]), float(factors[1])


def errors(predicted: Sequence[float], measured: Sequence[float]) -> list[float]:
    """By which share of what was measured each prediction is too high."""
    return [one / other - 1 for one, other in zip(predicted, measured, strict=True)]
