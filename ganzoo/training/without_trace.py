"""Running a network without leaving a trace in it: no gradient, no moved statistic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import nn

from ganzoo.training.walk import modules_of, parameters_of


class KeptBuffers:
    """Copies of buffers and the places where they hang: a forward may move a buffer, or put another in its place.

    Every update pays for the copy, so it is one operation for all buffers of a type, not one for each.
    """

    def __init__(self, *modules: nn.Module) -> None:
        alike: dict[tuple[torch.dtype, torch.device], list[tuple[nn.Module, str, torch.Tensor]]] = {}
        for place in (place for module in modules for place in _places(module)):
            alike.setdefault((place[2].dtype, place[2].device), []).append(place)
        self._places = list(alike.values())
        self._copies = [torch.cat([buffer.detach().reshape(-1) for *_, buffer in places]) for places in self._places]

    def put_back(self) -> None:
        """Let all be what they were, as the objects that they were."""
        kept = list(self._each())
        if kept:
            with torch.no_grad():
                torch._foreach_copy_([buffer for *_, buffer, _ in kept], [copy for *_, copy in kept])
        for owner, name, buffer, _ in kept:
            if owner._buffers[name] is not buffer:
                owner._buffers[name] = buffer

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Inside the block modules have the copies; what they have now is not touched."""
        now = [(owner, name, owner._buffers[name]) for owner, name, *_ in self._each()]
        try:
            for owner, name, _, copy in self._each():
                owner._buffers[name] = copy
            yield
        finally:
            for owner, name, buffer in now:
                owner._buffers[name] = buffer

    def _each(self) -> Iterator[tuple[nn.Module, str, torch.Tensor, torch.Tensor]]:
        for places, copies in zip(self._places, self._copies, strict=True):
            sizes = [buffer.numel() for *_, buffer in places]
            for (owner, name, buffer), copy in zip(places, torch.split(copies, sizes), strict=True):
                yield owner, name, buffer, copy.view_as(buffer)


@contextmanager
def buffers_kept(module: nn.Module) -> Iterator[None]:
    """Undo what a forward does to buffers (BatchNorm statistics), whatever layer keeps them."""
    kept = KeptBuffers(module)
    try:
        yield
    finally:
        kept.put_back()


@contextmanager
def buffers_kept_if_it_raises(*modules: nn.Module) -> Iterator[None]:
    """Undo what an update that fails did to buffers, so that the state is that of the last whole one."""
    kept = KeptBuffers(*modules)
    try:
        yield
    except BaseException:  # an interrupt leaves no half of an update either
        kept.put_back()
        raise


@contextmanager
def buffers_replaced(module: nn.Module) -> Iterator[Callable[[], None]]:
    """Let a forward move copies of the buffers: where its graph is kept, the originals must not be written back to.

    What comes with the block lets the originals follow the copies, at any time after it.
    """
    held = _places(module)
    moved: list[torch.Tensor | None] = []

    @torch.no_grad()
    def follow() -> None:
        for (_, _, buffer), copy in zip(held, moved, strict=True):
            if copy is not None:
                buffer.copy_(copy)

    try:
        for owner, name, buffer in held:
            owner._buffers[name] = buffer.clone()
        yield follow
    finally:
        for owner, name, buffer in held:
            moved.append(owner._buffers[name])
            owner._buffers[name] = buffer


def _places(module: nn.Module) -> list[tuple[nn.Module, str, torch.Tensor]]:
    """Owner, name and buffer of all that are there."""
    return [
        (owner, name, buffer)
        for owner in modules_of(module)
        for name, buffer in owner._buffers.items()
        if buffer is not None
    ]


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
