"""A probability that follows the signs of the discriminator's logits on real data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class AdaptiveProbability:
    """p ← clip(p + sign(mean sign(r) − target)·(images seen)/images, 0, 1), after every ``interval`` updates.

    Everything that depends on logits stays a tensor on their device: nothing waits for the device.
    """

    def __init__(self, *, start: float, target: float, interval: int, images: float) -> None:
        self.target = target
        self.interval = interval
        self.images = images
        self.value = torch.tensor(start, dtype=torch.float32)
        self._sum = torch.tensor(0.0, dtype=torch.float32)
        self._updates = self._logits = self._seen = 0

    @torch.no_grad()
    def observe(self, real: Tensor) -> None:
        """Count one update's logits on real data, one row per image."""
        self._sum = self._sum.to(real.device, non_blocking=True) + real.sign().sum(dtype=torch.float32)
        self._updates += 1
        self._logits += real.numel()
        self._seen += len(real)
        if self._updates < self.interval:
            return
        direction = (self._sum / self._logits - self.target).sign()
        value = self.value.to(real.device, non_blocking=True)
        self.value = (value + direction * (self._seen / self.images)).clamp(0, 1)
        self._sum = torch.zeros_like(self._sum)
        self._updates = self._logits = self._seen = 0

    def state_dict(self) -> dict[str, Tensor]:
        """p, and what was counted since its last change."""
        counts = torch.tensor([self._updates, self._logits, self._seen])
        return {"p": self.value.clone(), "sum": self._sum.clone(), "counts": counts}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        self.value, self._sum = state["p"].clone(), state["sum"].clone()
        self._updates, self._logits, self._seen = (int(count) for count in state["counts"].tolist())
