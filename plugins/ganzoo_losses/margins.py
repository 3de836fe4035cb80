"""What the hinge losses share: the penalty inside two margins, and how often it is active."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor


def margin_loss(*, real: Tensor, fake: Tensor, margin_real: float, margin_fake: float) -> Tensor:
    """E relu(m_r − r) + E relu(m_f + f), a scalar from logits of any shape."""
    return F.relu(margin_real - real).mean() + F.relu(margin_fake + fake).mean()


def margin_violations(*, real: Tensor, fake: Tensor, margin_real: float, margin_fake: float) -> dict[str, Tensor]:
    """The share in [0, 1] of logits that still push D on each side: r < m_r and f > −m_f."""
    return {
        "violations/real": (real < margin_real).float().mean(),
        "violations/fake": (fake > -margin_fake).float().mean(),
    }
