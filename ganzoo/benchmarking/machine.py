"""What a figure was measured on."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

from ganzoo import cores

CPUINFO = Path("/proc/cpuinfo")
BF16_UNITS = {"avx512_bf16", "amx_bf16"}


def machine(device: torch.device | None = None, *, cpuinfo: Path = CPUINFO) -> dict[str, Any]:
    """Processor, cores, threads, the GPU that is measured or the first one, torch, and the processor's bf16 units."""
    fields = [line.partition(":") for line in cpuinfo.read_text().splitlines()] if cpuinfo.exists() else []
    facts = {name.strip(): value.strip() for name, _, value in fields}
    chosen = cores.chosen()
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "cores": cores.cores(),
        "free_cores": None if chosen is None else round(chosen.free, 1),
        "threads": torch.get_num_threads(),
        "gpu": _gpu(device),
        "torch": torch.__version__,
        "bf16_units": sorted(BF16_UNITS & set(facts.get("flags", "").split())),
    }


def _gpu(device: torch.device | None) -> str | None:
    if not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_name(device if device is not None and device.type == "cuda" else 0)
