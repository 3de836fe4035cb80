"""Data that a loop of one's own hands over: what is refused, and conditions beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class GivenBatch:
    """One step's data, as a loop hands them over.

    Attributes:
        fake: (N, …).
        real: (N, …); ``None`` in a generator's step that has none.
        condition: (N, C', …).
        real_labels, fake_labels: (N,) int64.
    """

    fake: Tensor
    real: Tensor | None
    condition: Tensor | None = None
    real_labels: Tensor | None = None
    fake_labels: Tensor | None = None


def demand_floats(**sides: Any) -> None:
    """Before anything is converted: bytes would become numbers up to 255."""
    for side, data in sides.items():
        if data is not None and not (isinstance(data, Tensor) and data.is_floating_point()):
            raise ConfigError(
                f"{side}= is not a tensor of floating-point numbers",
                given=data.dtype if isinstance(data, Tensor) else type(data).__name__,
                allowed="data in the range that the generator gives, such as [-1, 1] for pictures",
                hint=f"{side}={side} / 127.5 - 1 for a tensor of bytes",
            )


def demand_derivatives(**sides: Tensor | None) -> None:
    """Refuse inference mode, and what was made in it: torch cannot differentiate a critic there."""
    made = [side for side, data in sides.items() if data is not None and data.is_inference()]
    if made or torch.is_inference_mode_enabled():
        raise ConfigError(
            "critics are differentiated at the data that they see, which torch cannot do in inference mode",
            given=f"{' and '.join(made)} made in torch.inference_mode()" if made else "torch.inference_mode()",
            allowed="data made in torch.no_grad() or with their graph; the call may be in torch.no_grad() too",
            hint="torch.no_grad() in the place of torch.inference_mode(); in Lightning, Trainer(inference_mode=False)",
        )


def with_condition(data: Tensor, condition: Tensor | None) -> Tensor:
    """Data with a condition as further channels. Raises :class:`ConfigError` if it is of another size."""
    if condition is None:
        return data
    if condition.shape[:1] != data.shape[:1] or condition.shape[2:] != data.shape[2:]:
        raise ConfigError(
            "a condition is concatenated to the channels, so it must be like the data in all else",
            given=f"data {tuple(data.shape)}, condition {tuple(condition.shape)}",
            allowed="(N, C', …) with the N and the size of the data",
            hint="resize the condition, for example with torch.nn.functional.interpolate",
        )
    return torch.cat([data, condition.detach().to(data.dtype)], dim=1)
