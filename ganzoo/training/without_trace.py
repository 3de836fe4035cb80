"""Running a network without leaving a trace in it: no gradient, no moved statistic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import nn

from ganzoo.training.walk import buffers_of, parameters_of


@contextmanager
def buffers_kept(module: nn.Module) -> Iterator[None]:
    """Undo what a forward does to buffers (BatchNorm statistics), whatever layer keeps them."""
    buffers = buffers_of(module)
    kept = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, kept, strict=True):
                buffer.copy_(value)


@contextmanager
def buffers_kept_if_it_raises(*modules: nn.Module) -> Iterator[None]:
    """Undo what an update that fails did to buffers, so that the state is that of the last whole one.

    Every update pays for the copy, so it is one operation for all buffers of a type, not one for each.
    """
    alike: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = {}
    for module in modules:
        for buffer in buffers_of(module):
            alike.setdefault((buffer.dtype, buffer.device), []).append(buffer)
    kept = [torch.cat([buffer.detach().reshape(-1) for buffer in buffers]) for buffers in alike.values()]
    try:
        yield
    except Exception:
        with torch.no_grad():
            for buffers, values in zip(alike.values(), kept, strict=True):
                for buffer, value in zip(buffers, torch.split(values, [one.numel() for one in buffers]), strict=True):
                    buffer.copy_(value.view_as(buffer))
        raise


@contextmanager
def buffers_replaced(module: nn.Module) -> Iterator[None]:
    """Let a forward move copies of the buffers: where its graph is kept, the originals must not be written back to."""
    held = [
        (owner, name, buffer)
        for owner in module.modules()
        for name, buffer in owner._buffers.items()
        if buffer is not None
    ]
    try:
        for owner, name, buffer in held:
            owner._buffers[name] = buffer.clone()
        yield
    finally:
        for owner, name, buffer in held:
            owner._buffers[name] = buffer


def frozen(module: nn.Module) -> AbstractContextManager[None]:
    """No gradient for the parameters, so none is computed; gradients pass through to the inputs."""
    return without_gradient(parameters_of(module))


@contextmanager
def without_gradient(leaves: Iterable[torch.Tensor]) -> Iterator[None]:
    """No gradient for any of these."""
    trained = [parameter for parameter in leaves if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def same_random_numbers(device: torch.device) -> AbstractContextManager[Any]:
    """What is drawn within, as by dropout, is drawn again after it."""
    of_device = [] if device.type == "cpu" else [device]
    return torch.random.fork_rng(devices=of_device, device_type="cuda" if device.type == "cpu" else device.type)
