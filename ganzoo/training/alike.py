"""The discriminator on two versions of the same samples, with all else alike: what differs comes from the data."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DiscriminatorOutput, JudgeAlike
from ganzoo.training.own_networks import Judged
from ganzoo.training.without_trace import buffers_replaced, same_random_numbers

FULL = (torch.float32, torch.float64)


class Augmenting(Protocol):
    """The augmentation of one regularizer."""

    def alike(self, images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        """Both with the same draws."""
        ...


def judge_alike(discriminator: nn.Module, augment: Augmenting) -> JudgeAlike:
    """What :attr:`ganzoo.protocols.StepView.judge_alike` is.

    Both passes are of one draw of the augmentation and of dropout, and begin with the same buffers: spectral norms and
    statistics would move between them. They are uncompiled, outside of autocast, and at least float32: two nearly equal
    logits are subtracted, and bfloat16 has three digits.
    """
    critic = Judged(discriminator, for_penalties=True)

    def call(images: Tensor, others: Tensor, labels: Tensor | None) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        _demand_full(discriminator)
        one, other = augment.alike(_full(images), _full(others))
        with same_random_numbers(one.device), buffers_replaced(discriminator):
            first = critic(one, labels)
        return first, critic(other, labels)

    return call


def _full(images: Tensor) -> Tensor:
    return images.to(torch.promote_types(images.dtype, torch.float32))


def _demand_full(discriminator: nn.Module) -> None:
    for name, parameter in discriminator.named_parameters():
        if parameter.is_floating_point() and parameter.dtype not in FULL:
            raise ConfigError(
                "the critic's weights are of half precision, in which two nearly equal logits cannot be told apart",
                given=f"{name} is {parameter.dtype}",
                allowed="weights of float32 or float64; autocast around the call may stay, it is left out here",
                hint="critic.float(), or estimate: exact",
            )
