"""The samples of the grids: from latents that stay the same for the whole run, made once for all that looks at them."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.evaluation import sampling
from ganzoo.evaluation.sampling import BATCHES_FOR_A_LOOK
from ganzoo.protocols import DataSpec, Generator
from ganzoo.seeds import generator_for
from ganzoo.training.sampler import Sampler
from ganzoo.training.state import TrainState

COLUMNS = 8
POINTS = 2048
"""Generated points of a scatter plot, and real ones under them."""
MOST_ROWS = 16
"""Rows of a conditional grid: one per class, up to this many."""


class GridSamples:
    """Samples of the averaged generator as it stands.

    Args:
        seed: of the latents.
        uniform: whether the generator is trained on all classes alike.
    """

    def __init__(self, state: TrainState, spec: DataSpec, *, seed: int, uniform: bool = False) -> None:
        self._state, self._spec, self._seed, self._uniform = state, spec, seed, uniform
        self._made: tuple[int, Tensor, Tensor | None] | None = None

    @torch.no_grad()
    def of(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Those of the step that is done, on the CPU: uint8 images or vectors, and their classes."""
        if self._made is None or self._made[0] != step:
            network = sampling.ready(
                self._state.averaged(), self._spec, uniform=self._uniform, seed=self._seed, batches=BATCHES_FOR_A_LOOK
            )
            self._made = (step, *self._samples(network))
        return self._made[1:]

    def _samples(self, network: Generator) -> tuple[Tensor, Tensor | None]:
        if len(self._spec.shape) == 1:
            made = sampling.chunks(network, self._spec, POINTS, labels=None, seed=self._seed)
            return torch.cat([points for points, _ in made]), None
        z, labels = self._latents(network)
        return sampling.to_uint8(network(z, labels)), None if labels is None else labels.cpu()

    def _latents(self, network: Generator) -> tuple[Tensor, Tensor | None]:
        sampler, random = Sampler.of(network, self._spec), generator_for(self._seed, "grid")
        if not self._spec.conditional:
            return sampler.latents(COLUMNS * COLUMNS, random=random), None
        # A class may be missing from this part of the data: the generator has never been asked for it.
        classes = [number for number, share in enumerate(self._spec.marginal) if share > 0][:MOST_ROWS]
        one_row = sampler.latents(COLUMNS, random=random)
        z = one_row.repeat(len(classes), *(1,) * (one_row.ndim - 1))
        return z, sampler.put(torch.tensor(classes).repeat_interleave(COLUMNS))
