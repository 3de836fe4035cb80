"""How much a step computes, and how fast this machine computes at best."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.benchmarking.contestants import Contestant
from ganzoo.planning.plan import Plan

GIGA = 1e9
SECONDS = 0.5
"""Of each trial of the peak."""
FEWEST = 3


def gflop_per_step(contestant: Contestant, *, steps: int) -> float:
    """10⁹ floating-point operations of products and convolutions, forward and backward, as torch counts them.

    A multiplication with its addition is two. Element by element, nothing is counted.
    """
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = WholeStep()  # type: ignore[assignment]
    with contestant.active(), counter:
        for _ in range(steps):
            contestant.step()
    return float(counter.get_total_flops()) / steps / GIGA


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
            begun = clock()
            operation()
            took = max(clock() - begun, 1e-9)
            best = max(best, count / took)
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
