"""Unrolling beside TorchOpt's meta-optimizers: the gradient through k steps of the discriminator."""

from __future__ import annotations

import warnings

import pytest
import torch
from unrolled_game import OPTIMIZERS, discriminator_loss, gradients_by_ganzoo, players

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    torchopt = pytest.importorskip("torchopt")

THEIRS = {"sgd": torchopt.MetaSGD, "momentum": torchopt.MetaSGD, "adam": torchopt.MetaAdam}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("kind", THEIRS)
def test_the_gradient_through_the_steps_is_that_of_torchopt(kind, steps):
    critic, generator, real, z = players()
    moving = THEIRS[kind](critic, **OPTIMIZERS[kind][1])
    fake = generator(z)
    for _ in range(steps):
        moving.step(discriminator_loss(critic, real, fake))
    expected = torch.autograd.grad(-discriminator_loss(critic, real, fake), list(generator.parameters()))
    for ours, theirs in zip(gradients_by_ganzoo(kind, steps), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-8)
