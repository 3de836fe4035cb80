"""One step of each player: fakes from the generator, and the terms that ``training.adversary`` makes of them."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.training import adversary
from ganzoo.training.game import Game, Inputs, Terms
from ganzoo.training.without_trace import buffers_kept


def discriminator_terms(game: Game, inputs: Inputs, *, observe: bool = False) -> Terms:
    """The discriminator's objective on one batch; fakes carry no graph and leave no trace in the generator."""
    with torch.no_grad(), buffers_kept(game.generator):
        fake = fakes(game, inputs)
    return adversary.discriminator_terms(game, inputs, fake, observe=observe)


def generator_terms(game: Game, inputs: Inputs) -> Terms:
    """The generator's objective on one batch, against a frozen discriminator."""
    return adversary.generator_terms(game, inputs, fakes(game, inputs))


def fakes(game: Game, inputs: Inputs) -> Tensor:
    """The generator's images of the latents of an update."""
    assert inputs.z is not None, "a game makes its fakes from latents"
    return game.generate(inputs.z, inputs.fake_labels)
