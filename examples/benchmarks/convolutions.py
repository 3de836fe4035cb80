"""Layers that ganzoo has computed otherwise on a CPU, beside torch's own, forward and backward.

    python examples/benchmarks/convolutions.py --rounds 30
    python examples/benchmarks/convolutions.py --precision bf16

Both sides take turns in this process. A turn is a forward pass and a backward pass to the input and the weights, for a
layer between others, so that its input and what comes back to it are channels-last. Both ways are checked for the same
numbers first. The layers are those of the networks that ganzoo ships, at the sizes that are trained.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.allocator import keep_freed_memory
from ganzoo.benchmarking.figures import spread
from ganzoo.benchmarking.machine import machine
from ganzoo.training import convolutions

Way = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Case:
    """A layer, and the shape of what it takes."""

    words: str
    layer: Callable[[], nn.Module]
    shape: tuple[int, ...]
    precisions: Sequence[str] = ("fp32",)
    """In which it is computed otherwise."""


PRECISIONS = ("fp32", "bf16")
CASES = (
    Case("logits of patches, 64×64", lambda: nn.Conv2d(512, 1, 4, padding=1), (64, 512, 7, 7)),
    Case("logits of patches, 256×256", lambda: nn.Conv2d(512, 1, 4, padding=1), (8, 512, 31, 31)),
    Case("latents, 64×64", lambda: nn.ConvTranspose2d(100, 512, 4, bias=False), (32, 100, 1, 1), PRECISIONS),
    Case("latents, 32×32", lambda: nn.ConvTranspose2d(100, 128, 4, bias=False), (32, 100, 1, 1), PRECISIONS),
    Case("pictures, 64×64×3", lambda: nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), (32, 64, 32, 32)),
    Case("pictures, 64×64×1", lambda: nn.ConvTranspose2d(64, 1, 4, 2, 1, bias=False), (32, 64, 32, 32)),
    Case("to a map of 7×7", lambda: nn.Conv2d(256, 512, 4, padding=1), (64, 256, 8, 8), PRECISIONS),
    Case("to a map of 7×7, half the batch", lambda: nn.Conv2d(256, 512, 4, padding=1), (32, 256, 8, 8)),
    Case("to a map of 31×31", lambda: nn.Conv2d(256, 512, 4, padding=1), (8, 256, 32, 32)),
    Case("3×3, 256 channels, 16×16", lambda: nn.Conv2d(256, 256, 3, padding=1), (32, 256, 16, 16)),
    Case("3×3, 256 channels, 8×8", lambda: nn.Conv2d(256, 256, 3, padding=1), (64, 256, 8, 8)),
    Case("to a map of 3×3", lambda: nn.Conv2d(128, 256, 4, padding=1), (64, 128, 4, 4), ("bf16",)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--threads", type=int, default=0, help="0 leaves torch's choice")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    keep_freed_memory()  # for both
    cases = [case for case in CASES if given.precision in case.precisions]
    found = {case.words: measured(case, rounds=given.rounds, precision=given.precision) for case in cases}
    if given.json:
        print(json.dumps({"machine": machine(), "precision": given.precision, "layers": found}, indent=1))
    else:
        print(table(found))


def measured(case: Case, *, rounds: int, precision: str) -> dict[str, Any]:
    """Milliseconds of a turn, and ratios within rounds: above 1, ganzoo's way is faster."""
    torch.manual_seed(0)
    layer = case.layer().to(memory_format=torch.channels_last)
    x = torch.randn(case.shape).contiguous(memory_format=torch.channels_last)
    turns = {
        "torch": turn_of(layer, x, precision, nullcontext),
        "ganzoo": turn_of(layer, x, precision, convolutions.quick),
    }
    check_equal(turns["torch"](), turns["ganzoo"](), precision)
    taken: dict[str, list[float]] = {who: [] for who in turns}
    for number in range(rounds):
        for who in sorted(turns, reverse=bool(number % 2)):
            begun = time.perf_counter()
            turns[who]()
            taken[who].append(1e3 * (time.perf_counter() - begun))
    ratios = [one / other for one, other in zip(taken["torch"], taken["ganzoo"], strict=True)]
    return {"milliseconds": {who: spread(values) for who, values in taken.items()}, "ratio": spread(ratios)}


def turn_of(layer: nn.Module, x: Tensor, precision: str, way: Way) -> Callable[[], list[Tensor]]:
    """What it makes, and the gradients of the input and the weights."""

    def turn() -> list[Tensor]:
        given = x.detach().requires_grad_()
        with cast_by(precision), way():
            made = layer(given * 1.0)  # something comes before it
        return [made, *torch.autograd.grad(made, [given, *layer.parameters()], torch.ones_like(made))]

    return turn


def cast_by(precision: str) -> AbstractContextManager[Any]:
    return torch.autocast("cpu", dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


def check_equal(theirs: Sequence[Tensor], ours: Sequence[Tensor], precision: str) -> None:
    """Raise ``AssertionError`` where the two ways differ by more than rounding."""
    rounding = 1e-5 if precision == "fp32" else 2e-2
    for one, other in zip(theirs, ours, strict=True):
        assert (one - other).norm() <= rounding * one.norm()


def table(found: dict[str, Any]) -> str:
    lines = ["| | torch, ms | ganzoo, ms | faster |", "|---|---|---|---|"]
    for words, row in found.items():
        theirs, ours = (row["milliseconds"][who]["median"] for who in ("torch", "ganzoo"))
        ratio = row["ratio"]
        quartiles = f"{ratio['lower_quartile']:.2f}–{ratio['upper_quartile']:.2f}"
        lines.append(f"| {words} | {theirs:.2f} | {ours:.2f} | {ratio['median']:.2f} ({quartiles}) |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
