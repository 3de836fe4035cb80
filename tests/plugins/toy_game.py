"""A critic against a toy generator, both trained: how many of held-out real and fake samples the critic tells apart."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ganzoo.training import spectral

BATCH, HELD_OUT, LATENT = 16, 64, 8


def accuracy(critic, generator, real, *, steps, rate):
    """Share of 64 new real samples with a mean logit above 0, and of 64 new fakes with one below.

    Hinge, a sum over the critic's maps; ``steps`` updates of both, Adam with ``rate`` for the critic. ``real`` gives
    samples and labels of a number and a generator of random numbers. Afterwards both are in evaluation.
    """
    random = torch.Generator().manual_seed(1)
    of_d = torch.optim.Adam(critic.parameters(), rate, (0.0, 0.99))
    of_g = torch.optim.Adam(generator.parameters(), 1e-3, (0.0, 0.99))
    for _ in range(steps):
        samples, labels = real(BATCH, random)
        fakes = generator(torch.randn(BATCH, LATENT, generator=random))
        spectral.iterate(critic)
        pairs = zip(critic(samples, labels).maps(), critic(fakes.detach(), labels).maps(), strict=True)
        loss = sum(F.relu(1 - on_real).mean() + F.relu(1 + on_fake).mean() for on_real, on_fake in pairs)
        of_d.zero_grad()
        loss.backward()
        of_d.step()
        of_g.zero_grad()
        sum(-logits.mean() for logits in critic(fakes, labels).maps()).backward()
        of_g.step()
    critic.eval()
    with torch.no_grad():
        samples, labels = real(HELD_OUT, random)
        fakes = generator(torch.randn(HELD_OUT, LATENT, generator=random))
        right = (verdicts(critic, samples, labels) > 0).sum() + (verdicts(critic, fakes, labels) < 0).sum()
    return right.item() / (2 * HELD_OUT)


def verdicts(critic, samples, labels):
    """The mean logit of each sample, over its maps."""
    return torch.stack([logits.reshape(len(samples), -1).mean(1) for logits in critic(samples, labels).maps()]).mean(0)
