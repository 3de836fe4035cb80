"""How much a step computes, and how fast this machine computes at best."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.allocator import LARGEST
from ganzoo.benchmarking.contestant import Contestant
from ganzoo.planning.plan import Plan

GIGA = 1e9
SECONDS = 0.5
"""Of each trial of the peak."""
PIECE = 0.02
"""Seconds, of which the best is taken."""
FEWEST = 3


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a step asks of the machine.

    Attributes:
        gflop: 10⁹ floating-point operations of products and convolutions, forward and backward, as torch counts them.
            A multiplication with its addition is two. Element by element, nothing is counted.
        largest: bytes of the largest tensor that comes out of an operation, but for those that the allocator takes from
            the system each by itself.
    """

    gflop: float
    largest: int


def work_of_step(contestant: Contestant, *, steps: int) -> Work:
    """The mean over so many steps, and the largest of all."""
    counter, largest = FlopCounterMode(display=False), Largest()
    counter.mod_tracker = WholeStep()  # type: ignore[assignment]
    with contestant.active(), counter, largest:
        contestant.steps(steps)
    return Work(gflop=float(counter.get_total_flops()) / steps / GIGA, largest=largest.bytes)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps the size of the largest tensor that comes out of an operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The operation as it is."""
        result = func(*args, **(kwargs or {}))
        for found in tree_leaves(result):
            if isinstance(found, Tensor):
                size = found.untyped_storage().nbytes()
                self.bytes = max(self.bytes, size if size < LARGEST else 0)
        return result


class WholeStep:
    """Stands in for what tells torch's counter the module of each operation: here all belong to the step.

    That of torch hooks into backward passes, and so raises where a penalty takes ``autograd.grad``.
    """

    parents = frozenset({"Global"})

    def __enter__(self) -> None:
        """There is nothing to hook."""

    def __exit__(self, *_: object) -> None:
        """There is nothing to unhook."""


def steps_of_a_round(plan: Plan) -> int:
    """The steps after which terms that act at every k-th update only have all acted as often as they do on average."""
    return math.lcm(*(part.get("every", 1) for part in plan.config.regularizers.values()))


def peak_gflop_per_second(
    device: torch.device,
    dtype: torch.dtype,
    *,
    clock: Callable[[], float] = time.perf_counter,
    seconds: float = SECONDS,
) -> float:
    """The best rate of large products and of a convolution, with torch's present threads.

    Seconds are those of ``clock``, which must wait for the device.
    """
    best = 0.0
    for operation, count in _trials(device, dtype):
        operation()
        rest, tried = seconds, 0
        while rest > 0 or tried < FEWEST:
            begun, done, took = clock(), 0, 0.0
            while took < PIECE:  # processor time of other threads is told some milliseconds late
                operation()
                done, took = done + 1, clock() - begun
            best = max(best, done * count / took)
            rest, tried = rest - took, tried + 1
    return best / GIGA


def _trials(device: torch.device, dtype: torch.dtype) -> Iterator[tuple[Callable[[], object], float]]:
    """Operations with their number of floating-point operations; larger ones where there is a GPU to fill."""
    sides = (512, 1024) if device.type == "cpu" else (4096, 8192)
    for side in sides:
        factor = torch.ones(side, side, device=device, dtype=dtype)
        yield partial(torch.matmul, factor, factor), 2.0 * side**3
    images, channels, side = (8, 128, 32) if device.type == "cpu" else (64, 256, 64)
    batch = torch.ones(images, channels, side, side, device=device, dtype=dtype)
    batch = batch.contiguous(memory_format=torch.channels_last)
    weight = torch.ones(channels, channels, 3, 3, device=device, dtype=dtype)
    weight = weight.contiguous(memory_format=torch.channels_last)
    yield partial(conv2d, batch, weight, padding=1), 2.0 * images * side**2 * channels**2 * 9
