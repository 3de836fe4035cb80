"""Unrolling beside higher's differentiable optimizers: the gradient through k steps of the discriminator."""

from __future__ import annotations

import pytest
import torch
from unrolled_game import OPTIMIZERS, discriminator_loss, gradients_by_ganzoo, players

higher = pytest.importorskip("higher")


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("kind", sorted(OPTIMIZERS.keys() - {"rmsprop"}))  # higher warns of its own RMSprop
def test_the_gradient_through_the_steps_is_that_of_higher(kind, steps):
    critic, generator, real, z = players()
    optimizer_class, options = OPTIMIZERS[kind]
    optimizer = optimizer_class(critic.parameters(), **options)
    fake = generator(z)
    with higher.innerloop_ctx(critic, optimizer, copy_initial_weights=True) as (ahead, moving):
        for _ in range(steps):
            moving.step(discriminator_loss(ahead, real, fake))
        expected = torch.autograd.grad(-discriminator_loss(ahead, real, fake), list(generator.parameters()))
    for ours, theirs in zip(gradients_by_ganzoo(kind, steps), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-8)
