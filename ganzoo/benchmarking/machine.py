"""What a figure was measured on."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

from ganzoo import cores

CPUINFO = Path("/proc/cpuinfo")
BF16_UNITS = {"avx512_bf16", "amx_bf16"}


def machine(*, cpuinfo: Path = CPUINFO) -> dict[str, Any]:
    """Processor, cores, threads, torch, and which bf16 units the processor says it has."""
    fields = [line.partition(":") for line in cpuinfo.read_text().splitlines()] if cpuinfo.exists() else []
    facts = {name.strip(): value.strip() for name, _, value in fields}
    chosen = cores.chosen()
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "cores": cores.cores(),
        "free_cores": None if chosen is None else round(chosen.free, 1),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "bf16_units": sorted(BF16_UNITS & set(facts.get("flags", "").split())),
    }
