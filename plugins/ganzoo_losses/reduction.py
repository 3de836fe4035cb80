"""Whether a loss is taken of every logit, or of the mean logit of each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Reduce = Literal["patch", "sample"]
REDUCE = "take the loss of every logit, or of the mean logit of each sample"


def reduced(logits: Tensor, reduce: Reduce) -> Tensor:
    """The logits as they are, or their means over each sample, (N,)."""
    return logits if reduce == "patch" or logits.ndim < 2 else logits.flatten(1).mean(1)
