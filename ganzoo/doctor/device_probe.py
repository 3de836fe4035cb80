"""What torch finds on this machine, told to the process that asks: ``python -m ganzoo.doctor.device_probe``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganzoo import cores
from ganzoo.doctor.child import tell
from ganzoo.memory import memory

if TYPE_CHECKING:
    import torch

TOLERANCE = 2e-2
"""How far a result may be from the exact one: some GPUs round the factors of a product to 10 bits (TF32)."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One thing that was found out: ``name`` is what was looked at, ``text`` what was seen, ``note`` marks a remark."""

    name: str
    text: str
    note: bool = False


def probes() -> Iterator[Probe]:
    """Ask torch. The first exception ends it; what was found before it stands."""
    import torch

    yield Probe(name="torch", text=torch.__version__)
    from ganzoo.training.runtime import pick_device

    total = cores.cores()
    yield Probe(name="CPU", text=f"{_counted(total, 'core')}, {_counted(torch.get_num_threads(), 'torch thread')}")
    seen = cores.choice(total, total * cores.lasting_share(total))
    yield Probe(name="load", text=str(seen), note=seen.busy)
    if (found := memory()) is not None:
        yield Probe(name="memory", text=str(found), note=found.low)
    yield from _gpus()
    yield Probe(name="MPS", text="available" if torch.backends.mps.is_available() else "none")
    device = pick_device("auto")
    yield Probe(name="auto", text=f"runtime.device: auto selects {device}")
    error = _difference(device)
    yield Probe(name="computation", text=f"convolution and gradient on {device}, {error:.1e} off the exact result")


def _counted(number: int, what: str) -> str:
    """``1 core``, ``2 cores``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _gpus() -> Iterator[Probe]:
    import torch

    if not torch.cuda.is_available():
        built = torch.version.cuda or torch.version.hip
        yield Probe(
            name="CUDA", text=f"built for {built}, but no GPU is available" if built else "none", note=bool(built)
        )
        return
    for number in range(torch.cuda.device_count()):
        with torch.cuda.device(number):
            properties = torch.cuda.get_device_properties(number)
            native = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no bf16"
        text = f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB, {native}"
        yield Probe(name=f"cuda:{number}", text=text)


def _difference(device: torch.device) -> float:
    """The largest error of a convolution and its gradient on the device, beside float64 on the CPU.

    Raises:
        ArithmeticError: it is more than :data:`TOLERANCE`, or no number.
    """
    import torch
    from torch.nn.functional import conv2d

    random = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 8, 8, generator=random, dtype=torch.float64)
    kernel = torch.rand(4, 3, 3, 3, generator=random, dtype=torch.float64) - 0.5

    def result(images: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        kernel = kernel.clone().requires_grad_()
        output = conv2d(images, kernel)
        (gradient,) = torch.autograd.grad(output.square().mean(), kernel)
        return torch.cat([output.detach().flatten(), gradient.flatten()]).to("cpu", torch.float64)

    exact = result(images, kernel)
    found = result(images.to(device, torch.float32), kernel.to(device, torch.float32))
    difference = float((found - exact).abs().max())
    if not difference <= TOLERANCE:
        raise ArithmeticError(f"{device} computes wrong numbers: {difference:.1e} off the exact result")
    return difference


if __name__ == "__main__":
    tell(probes())
