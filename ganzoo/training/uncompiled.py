"""torch without its compiler, whose import takes as long as that of torch itself, where nothing is compiled."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def _unmarked(method: Callable[..., Any]) -> Any:
    """What torch marks for its compiler, which it imports at the first call of the method in order to do so."""
    return inspect.unwrap(method)


def _step(kind: type[torch.optim.Optimizer]) -> Any:
    """Its step, of which no gradients are taken."""
    return torch.no_grad()(_unmarked(kind.step))


class _Uncompiled(torch.optim.Optimizer):
    """An optimizer that is never part of a compiled function, so that the marks mean nothing."""

    add_param_group = _unmarked(torch.optim.Optimizer.add_param_group)
    zero_grad = _unmarked(torch.optim.Optimizer.zero_grad)
    state_dict = _unmarked(torch.optim.Optimizer.state_dict)
    load_state_dict = _unmarked(torch.optim.Optimizer.load_state_dict)


class Adam(_Uncompiled, torch.optim.Adam):
    """As that of torch."""

    step = _step(torch.optim.Adam)


class AdamW(_Uncompiled, torch.optim.AdamW):
    """As that of torch."""

    step = _step(torch.optim.AdamW)


class RMSprop(_Uncompiled, torch.optim.RMSprop):
    """As that of torch."""

    step = _step(torch.optim.RMSprop)


class SGD(_Uncompiled, torch.optim.SGD):
    """As that of torch."""

    step = _step(torch.optim.SGD)


def eager() -> AbstractContextManager[None]:
    """Without anything that was compiled; a process that has not imported the compiler has compiled nothing."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    stance: AbstractContextManager[None] = torch.compiler.set_stance("force_eager")
    return stance
