"""What a run would cost, measured: a few real steps on parts that are thrown away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.protocols import Report
from ganzoo.training.loop import train
from ganzoo.training.setup import Setup

STEPS = 4
SECONDS = 10.0


@dataclass(frozen=True)
class Estimate:
    """Shapes of one sample, seconds per generator step, and bytes at the peak."""

    generated: tuple[int, ...]
    logits: tuple[int, ...]
    seconds_per_step: float
    memory_bytes: int
    device: str


def estimate(setup: Setup, *, tell: Callable[[int], None] | None = None) -> Estimate:
    """Measure up to four steps or ten seconds; the first step only warms up and counts the memory.

    ``tell`` hears after each step how many are done.
    """
    tell = tell or (lambda step: None)
    generated, logits = _shapes(setup)
    activations = _Activations()
    with setup.runtime.active():
        reports = train(setup)
        with torch.autograd.graph.saved_tensors_hooks(activations.count, lambda tensor: tensor):
            seconds = [_timed_step(reports)]
        tell(1)
        # A run of one step has no warm one: there the first stands for itself.
        begun = time.perf_counter()
        while len(seconds) < min(STEPS, setup.schedule.steps) and time.perf_counter() - begun < SECONDS:
            seconds.append(_timed_step(reports))
            tell(len(seconds))
    device = setup.runtime.device
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _held(setup) + activations.bytes
    return Estimate(
        generated=generated,
        logits=logits,
        seconds_per_step=min(seconds),
        memory_bytes=memory,
        device=str(device),
    )


def _timed_step(reports: Iterator[Report]) -> float:
    start = time.perf_counter()
    next(reports)
    return time.perf_counter() - start


@torch.no_grad()
def _shapes(setup: Setup) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of one generated sample and of its logits."""
    generator, discriminator = setup.state.generator, setup.state.discriminator
    generator.eval()
    discriminator.eval()
    random = torch.Generator().manual_seed(0)
    z, labels = setup.sampler.latents(2, random=random), setup.sampler.labels(2, random=random)
    images = generator(z, labels)
    return tuple(images.shape[1:]), tuple(discriminator(images, labels).logits.shape[1:])


def _held(setup: Setup) -> int:
    """Bytes of weights, gradients, averages and optimizer state."""
    state = setup.state
    modules = [state.generator, state.discriminator, *([state.ema] if state.ema is not None else [])]
    tensors: list[Tensor] = [tensor for module in modules for tensor in module.state_dict().values()]
    for optimizer in (state.g_optimizer, state.d_optimizer):
        tensors += [value for kept in optimizer.state.values() for value in kept.values() if isinstance(value, Tensor)]
        tensors += [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class _Activations:
    """Counts the bytes autograd keeps for backward; both players' steps together, so rather too many than too few."""

    def __init__(self) -> None:
        self.bytes = 0
        self._seen: set[int] = set()

    def count(self, tensor: Tensor) -> Tensor:
        """Count a tensor once and hand it on."""
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._seen:
            self._seen.add(storage.data_ptr())
            self.bytes += storage.nbytes()
        return tensor
