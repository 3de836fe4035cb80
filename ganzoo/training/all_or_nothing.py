"""A state that is taken over as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn

State = TypeVar("State")

MISFITS = (KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError)
"""What loading raises where a state is that of something else."""


@contextmanager
def put_back_if_it_raises(state: State, load: Callable[[State], object]) -> Iterator[None]:
    """Give back what was there if what is done in the block fails midway.

    Args:
        state: what was there; a copy, unless loading makes one.
        load: takes it over again.
    """
    try:
        yield
    except Exception:
        load(state)
        raise


def tensors_of(module: nn.Module, *, without: Collection[str]) -> dict[str, Tensor]:
    """Copies of all parameters and buffers, by name, but for some."""
    return {
        name: value.detach().clone()
        for name, value in (*module.named_parameters(), *module.named_buffers())
        if name not in without
    }


@torch.no_grad()
def put_back(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Write what :func:`tensors_of` gave into the same parameters and buffers."""
    own = dict(module.named_parameters()) | dict(module.named_buffers())
    for name, value in tensors.items():
        own[name].copy_(value)
