"""Where fakes come from: latents of a generator, and the classes that are asked of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.protocols import DataSpec, Generator


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Draws what a generator is given, on the generator's device.

    Numbers come from a CPU generator that is handed over, so that they are the same on every device.

    Attributes:
        generator: whose latents they are.
        frequencies: how often each class is requested, relative to the others; empty for an unconditional generator.
    """

    generator: Generator
    frequencies: tuple[float, ...] = ()

    @classmethod
    def of(cls, generator: Generator, spec: DataSpec, *, uniform: bool = False) -> Sampler:
        """As the data have it, or with all classes that occur alike (a class may be missing from a split)."""
        if not spec.conditional:
            return cls(generator=generator)
        occurring = tuple(float(share > 0) for share in spec.marginal)
        return cls(generator=generator, frequencies=occurring if uniform else spec.marginal)

    def latents(self, n: int, *, random: torch.Generator) -> Tensor:
        """Latents (n, …) of the generator's own law."""
        return self.put(self.generator.latent(n, generator=random))

    def labels(self, n: int, *, random: torch.Generator) -> Tensor | None:
        """Class numbers (n,), int64, drawn by ``frequencies``; ``None`` for an unconditional generator."""
        if not self.frequencies:
            return None
        return self.put(torch.multinomial(torch.tensor(self.frequencies), n, replacement=True, generator=random))

    def put(self, tensor: Tensor) -> Tensor:
        """Move a tensor to the generator."""
        return tensor.to(next(self.generator.parameters()).device, non_blocking=True)
