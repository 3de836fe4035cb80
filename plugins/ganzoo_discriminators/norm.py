"""The norms of discriminators, and the tags that each implies."""

from __future__ import annotations

from typing import Literal

Norm = Literal["batch", "instance", "spectral", "weight", "none"]
SignalNorm = Literal["weight", "spectral", "none"]
"""The norms of critics of signals."""

NORM_TAGS: dict[Norm, frozenset[str]] = {
    "batch": frozenset({"batch_coupled_train", "batch_nonlinear"}),
    "instance": frozenset(),
    "spectral": frozenset({"spectral_norm"}),
    "weight": frozenset(),
    "none": frozenset(),
}
