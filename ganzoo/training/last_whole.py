"""The critics' side as the last whole update left it, for whatever has to be undone, or saved between two parts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor, nn

from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.image_pool import ImagePool
from ganzoo.training.state import plain
from ganzoo.training.without_trace import KeptBuffers


class LastWhole:
    """All that moves in critics before their optimizer steps: buffers, the pool, and what parts keep.

    Args:
        steps: critic → its step on given fakes.
        critics: the critics themselves.
        pool: fakes of earlier steps.
    """

    def __init__(self, steps: Mapping[str, AdversarialStep], critics: nn.Module, pool: ImagePool) -> None:
        self._steps, self._pool = steps, pool
        self._buffers = KeptBuffers(critics)
        self._pooled = pool.state_dict()  # which are never written to
        self._parts = {name: step.changing() for name, step in steps.items()}

    def put_back(self) -> None:
        """Go back to it; what parts have noted of batches since is dropped as well."""
        self._buffers.put_back()
        self._pool.load_state_dict(self._pooled)
        for name, step in self._steps.items():
            step.load_state_dict(self._parts[name])

    def shown(self) -> AbstractContextManager[None]:
        """Inside the block critics have the buffers of then, for whoever saves them."""
        return self._buffers.shown()

    def state(self) -> dict[str, Any]:
        """State of the pool, and critic → state of its parts."""
        parts: dict[str, dict[str, Tensor]] = {
            name: {key: plain(value) for key, value in kept.items()} for name, kept in self._parts.items()
        }
        return {"parts": parts, "pool": dict(self._pooled)}
