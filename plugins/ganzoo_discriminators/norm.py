"""The norms of the DCGAN and PatchGAN families, and the tags that each implies."""

from __future__ import annotations

from typing import Literal

Norm = Literal["batch", "instance", "spectral", "none"]

NORM_TAGS: dict[Norm, frozenset[str]] = {
    "batch": frozenset({"batch_coupled_train", "batch_nonlinear"}),
    "instance": frozenset(),
    "spectral": frozenset({"spectral_norm"}),
    "none": frozenset(),
}
