"""How critics in a loop of one's own are trained, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo.training.shown_batch import ShownBatch


@dataclass(frozen=True, kw_only=True)
class CriticSettings:
    """How the critics of an :class:`ganzoo.Adversary` are trained.

    Attributes:
        weight: of everything that is added to the generator's loss.
        critic_weights: critic → weight of its terms on both sides.
        clip_grad_norm: largest 2-norm of each critic's gradient.
        precision: ``fp32`` computes critics outside any autocast, in the precision of their weights;
            ``autocast`` follows that around the call.
        skip_below: critics are not stepped while their adversarial loss is below it.
        arrangement: of the batch that critics are shown.
        made_of: what else a state belongs to: argument of :class:`ganzoo.Adversary` → what it was, in words.
    """

    weight: float = 1.0
    critic_weights: Mapping[str, float] = field(default_factory=dict)
    clip_grad_norm: float | None = None
    precision: Literal["fp32", "autocast"] = "fp32"
    skip_below: float | None = None
    arrangement: ShownBatch = field(default_factory=ShownBatch)
    made_of: Mapping[str, str] = field(default_factory=dict)

    def of_critic(self, name: str) -> float:
        """The weight of a critic."""
        return self.critic_weights.get(name, 1.0)

    def dtype(self, data: Tensor, weights: Tensor) -> torch.dtype:
        """What critics are shown data in: that of their weights.

        Where autocast decides, it rounds for each layer; a penalty is taken at the data, and its square would be 0 in
        half precision.
        """
        if self.precision == "autocast" and torch.is_autocast_enabled(data.device.type):
            return torch.promote_types(weights.dtype, torch.float32)
        return weights.dtype

    def autocast(self, data: Tensor) -> AbstractContextManager[Any]:
        """What critics are called within; nothing where it would change nothing, since it costs more than a layer."""
        if self.precision == "autocast" or not torch.is_autocast_enabled(data.device.type):
            return nullcontext()
        return torch.autocast(data.device.type, enabled=False)
