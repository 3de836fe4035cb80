"""Half precision as float32, for statistics whose ε it cannot hold."""

from __future__ import annotations

import torch
from torch import Tensor


def wide(values: Tensor) -> Tensor:
    """float32 in place of float16, where 1e-8 is 0, and of bfloat16; anything else as it is."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
