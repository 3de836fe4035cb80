"""Several processes that train one set of critics on parts of a batch: one gradient, one start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import distributed, nn


def rank() -> int:
    """The number of this process, 0 where there is one alone."""
    return distributed.get_rank() if several() else 0


def share_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their mean over all processes, in one exchange.

    What a wrapper has averaged before is the same everywhere, and so is its mean. This needs no wrapper: it holds for
    several forward passes before a backward one, and for penalties, where wrappers fail or fall short. Each process
    must have gradients for the same parameters.
    """
    if not several():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    add_up(gradients)
    for gradient in gradients:
        gradient /= distributed.get_world_size()


@torch.no_grad()
def add_up(tensors: Sequence[torch.Tensor]) -> None:
    """Replace tensors by their sums over all processes: those of one type in one flat exchange."""
    for alike in _by_type(tensors):
        flat = torch.cat([tensor.reshape(-1) for tensor in alike])
        distributed.all_reduce(flat)
        for tensor, part in zip(alike, torch.split(flat, [one.numel() for one in alike]), strict=True):
            tensor.copy_(part.view_as(tensor))


@torch.no_grad()
def mean_over_processes(value: torch.Tensor) -> torch.Tensor:
    """The mean of a scalar over all processes, so that all decide alike by it."""
    if not several():
        return value
    total = value.clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


@torch.no_grad()
def share_weights(module: nn.Module) -> None:
    """Give every process the weights and statistics of the first."""
    if several():
        for tensor in (*module.parameters(), *module.buffers()):
            distributed.broadcast(tensor.detach(), src=0)


def several() -> bool:
    """Whether there are further processes."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def _by_type(tensors: Sequence[torch.Tensor]) -> list[list[torch.Tensor]]:
    found: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = {}
    for tensor in tensors:
        found.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    return list(found.values())
