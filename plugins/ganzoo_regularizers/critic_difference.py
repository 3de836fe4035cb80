"""The slope of a critic by a difference, for critics without a second derivative, or where it is too dear."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ganzoo.errors import ConfigError
from ganzoo_regularizers.critic_gradient import mean_logits

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


def squared_differences(view: StepView, images: Tensor, labels: Tensor | None, *, sigma: float, share: float) -> Tensor:
    """((D̄(xᵢ + σnᵢ) − D̄(xᵢ))/σ)² of the first ⌈share·N⌉ samples; differentiable in the critic's parameters.

    nᵢ ~ N(0, I) is drawn sample by sample, so that a generator carried from one micro-batch to the next draws what it
    would have drawn for the whole batch. With share < 1 they are the first of each micro-batch, not those of the batch:
    such parts do not add up to the whole. Both verdicts are of one draw of the augmentation, in full precision.
    """
    if view.judge_alike is None:
        raise ConfigError(
            "estimate: difference compares a critic's verdicts on two versions of the same samples, and this loop has "
            "no way to augment both alike",
            given="judge_alike=None in the view",
            allowed="a loop that hands over judge_alike, as ganzoo run and ganzoo.Adversary do",
            hint="estimate: exact",
        )
    chosen = slice(math.ceil(round(share * len(images), 9)))
    images, labels = images.detach()[chosen], None if labels is None else labels[chosen]
    noise = torch.stack([torch.randn(image.shape, generator=view.random) for image in images])
    # In full precision before the step is added: bfloat16 would round it away.
    images = images.to(torch.promote_types(images.dtype, torch.float32))
    moved = images + sigma * noise.to(images, non_blocking=True)
    here, there = view.judge_alike(images, moved, labels)
    return ((mean_logits(there) - mean_logits(here)) / sigma).square()
