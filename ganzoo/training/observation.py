"""What is logged of the logits, beside the terms."""

from __future__ import annotations

from torch import Tensor

from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training.game import Objective
from ganzoo.training.guards import left_unchanged


def observed(objective: Objective, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
    """Mean logits, accuracies at threshold 0, and the loss's own ``diagnostics``; of the first map alone."""
    real_logits, fake_logits = real.logits.detach(), fake.logits.detach()
    found = {
        "logits/real": real_logits.mean(),
        "logits/fake": fake_logits.mean(),
        "accuracy/real": (real_logits > 0).to(real_logits.dtype).mean(),
        "accuracy/fake": (fake_logits < 0).to(fake_logits.dtype).mean(),
    }
    diagnostics = getattr(objective.loss, "diagnostics", None)
    if diagnostics is not None:
        given = {"real=": real_logits, "fake=": fake_logits}
        with left_unchanged(objective.in_words("loss"), given, during="diagnostics"):
            found |= diagnostics(real=real_logits, fake=fake_logits)
    return found
