"""How checks build a loss, ask it for values, and compare them."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import Tensor

from ganzoo.testing.check import demand
from ganzoo.testing.subject import Subject, images_like

SPEC = images_like(1, 32)


def loss_of(subject: Subject) -> Any:
    """The loss as a run gets it."""
    return subject.build(SPEC)


def logits(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits of real and of fake data, standard normal, that ask for gradients."""
    drawn = torch.Generator().manual_seed(seed)
    real, fake = (torch.randn(*shape, generator=drawn, dtype=dtype).requires_grad_() for _ in range(2))
    return real, fake


def both(loss: Any, real: Tensor, fake: Tensor) -> Tensor:
    """Both objectives, (2,)."""
    return torch.stack(objectives(loss, real, fake))


def same(one: Tensor, other: Tensor, what: str, *, tolerance: float = 1e-9) -> None:
    """Demand that two pairs of objectives agree."""
    close = torch.allclose(one, other, rtol=tolerance, atol=tolerance)
    demand(close, f"{what}: D and G are {shown(other)} instead of {shown(one)}")


def shown(values: Tensor) -> str:
    """``2, -0.25``."""
    return ", ".join(f"{value:.6g}" for value in values.detach().flatten().tolist())


def objectives(loss: Any, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Both objectives, whichever protocol the loss follows."""
    return loss.discriminator_loss(real=real, fake=fake), of_generator(loss, real, fake)


def of_generator(loss: Any, real: Tensor, fake: Tensor) -> Tensor:
    """G's objective, with real logits where it takes them."""
    of_real = {"real": real} if "real" in signature(loss.generator_loss).parameters else {}
    value: Tensor = loss.generator_loss(**of_real, fake=fake)
    return value
