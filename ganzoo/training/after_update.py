"""What follows an optimizer step: projections, parts that adapt, and critics that go on to other parts of the data."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.protocols import Player
from ganzoo.training.game import Objective, Terms
from ganzoo.training.part_critic import part_critics


def after_update(objective: Objective, player: Player, terms: Sequence[Terms]) -> dict[str, Tensor]:
    """What follows a player's optimizer step: projections, and parts that adapt to the logits of the whole batch.

    Args:
        objective: its regularizers, loss and augmentation are told.
        player: whose network has moved.
        terms: those of the step; several where the batch came in parts.

    Returns:
        What the augmentation has to log.
    """
    network = objective.discriminator if player == "discriminator" else objective.generator
    for part in objective.regularizers:
        if network is not None:
            part.regularizer.after_step(player, network)
    if player == "discriminator":
        for critic in part_critics(objective.discriminator):
            critic.after_update()
    adaptive = objective.stateful_loss
    if player == "generator" or (adaptive is None and objective.augment is None):
        return {}
    real, fake = zip(*(part.logits for part in terms if part.logits), strict=True)
    if adaptive is not None:
        adaptive.after_update(real=together(real), fake=together(fake))
    if objective.augment is None:
        return {}
    objective.augment.after_update(real=together(real, by_sample=True))
    return objective.augment.observed()


def together(parts: Sequence[Tensor], *, by_sample: bool = False) -> Tensor:
    """The logits of all parts of a batch; where their maps are of unlike sizes, in a row.

    Args:
        parts: with the samples along the first axis.
        by_sample: one logit for each sample in place of such a row, the mean of its map, for who counts samples.
    """
    if len({part.shape[1:] for part in parts}) == 1:
        return torch.cat(list(parts))
    return torch.cat([part.reshape(len(part), -1).mean(1) if by_sample else part.flatten() for part in parts])
