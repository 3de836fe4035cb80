"""What is logged of the logits, beside the terms."""

from __future__ import annotations

from torch import Tensor

from ganzoo.training.game import Objective
from ganzoo.training.guards import left_unchanged


def observed(objective: Objective, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Mean logits, accuracies at threshold 0, and the loss's own ``diagnostics``; of detached logits."""
    found = {
        "logits/real": real.mean(),
        "logits/fake": fake.mean(),
        "accuracy/real": (real > 0).mean(dtype=real.dtype),
        "accuracy/fake": (fake < 0).mean(dtype=fake.dtype),
    }
    diagnostics = getattr(objective.loss, "diagnostics", None)
    if diagnostics is not None:
        given = {"real=": real, "fake=": fake}
        with left_unchanged(objective.in_words("loss"), given, during="diagnostics"):
            found |= diagnostics(real=real, fake=fake)
    return found
