"""Fakes of earlier steps for the critic, so that it does not forget what it has learned to tell apart."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.seeds import generator_for
from ganzoo.training.own_parts import Part


class ImagePool:
    """A store of the last fakes.

    Until it is full, each sample is stored and returned. Then, with probability ½, a random stored one is returned and
    the new one takes its place; otherwise the new one is returned. Conditions are part of a sample: they come
    concatenated to it, so that each fake keeps its own.

    Args:
        size: samples that are stored; 0 returns what it is given.
        seed: of the draws, which follow from it and the update.

    Source: Shrivastava et al. 2017, arXiv:1612.07828, section 2.3; size 50 as in CycleGAN, arXiv:1703.10593.
    """

    def __init__(self, size: int, *, seed: int) -> None:
        self.size, self.seed = size, seed
        self._stored: list[Tensor] = []
        self._drawn: Tensor | None = None

    def demand_no_labels(self, labels: Tensor | None) -> None:
        """Refuse labels where fakes of earlier steps are shown, whose own are not kept."""
        if self.size and labels is not None:
            raise ConfigError(
                "the pool keeps fakes of earlier steps without their labels, so the critic would see wrong ones",
                given=f"pool={self.size} and fake_labels=",
                allowed="a pool, or labels",
                hint="pool=0, or give the label as a condition: its picture is kept with the fake",
            )

    def exchange(self, fakes: Tensor, *, update: int, part: Part = (0, 1)) -> Tensor:
        """A batch for the critic in place of ``fakes``, and of their shape.

        Parts of a batch, in order, get what the whole batch would get.
        """
        if self.size == 0:
            return fakes
        if self._stored and self._stored[0].shape != fakes.shape[1:]:
            raise ConfigError(
                "a pool of earlier fakes gives the critic a batch of them, so all must be of one shape",
                given=f"fakes {tuple(fakes.shape)}, stored {tuple(self._stored[0].shape)}",
                allowed="fakes of one shape, conditions included",
                hint="crop them before update(), or leave the pool out with pool=0",
            )
        self._stored = [stored.to(fakes) for stored in self._stored]
        random = generator_for(self.seed, update, "pool")
        index, of = part
        if index and self._drawn is not None:
            random.set_state(self._drawn)  # where the part before left off
        given = torch.stack([self._one(fake, random) for fake in fakes.detach()])
        self._drawn = random.get_state() if index < of - 1 else None
        return given

    def _one(self, fake: Tensor, random: torch.Generator) -> Tensor:
        # Both numbers are drawn for every sample, so that what is drawn does not depend on how full it is.
        keeps = float(torch.rand((), generator=random)) < 0.5
        place = int(torch.randint(self.size, (), generator=random))
        if len(self._stored) < self.size:
            self._stored.append(fake.clone())
            return fake
        if keeps:
            return fake
        former, self._stored[place] = self._stored[place], fake.clone()
        return former

    def state_dict(self) -> dict[str, Tensor]:
        """What is stored, in order."""
        return {str(number): stored for number, stored in enumerate(self._stored)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        self._stored = [state[str(number)].clone() for number in range(len(state))]
