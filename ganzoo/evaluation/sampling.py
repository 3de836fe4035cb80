"""Images from a trained generator, without perturbing it: a copy, in eval mode, under generators of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from ganzoo.protocols import DataSpec, Generator
from ganzoo.seeds import generator_for
from ganzoo.training.sampler import Sampler
from ganzoo.training.shared_batch_norm import separate
from ganzoo.training.team import ALONE, Team

BATCHES_FOR_A_LOOK = 4
"""BatchNorm is estimated from fewer batches during training than for ``ganzoo sample``: there may be many looks."""
CHUNK = 64
"""Latents are drawn in whole chunks, so the first images of ``n`` are those of any larger ``n``."""


@torch.no_grad()
def ready(
    generator: Generator, spec: DataSpec, *, uniform: bool = False, seed: int = 0, batches: int = 16
) -> Generator:
    """A copy for evaluation whose BatchNorm statistics are re-estimated (cumulative mean over fresh latents).

    Averaged parameters never ran with the statistics that training collected, so those do not fit them. The classes of
    these latents are drawn as in training, whatever is asked of the generator afterwards.

    Args:
        generator: as trained.
        spec: of the data it was trained on.
        uniform: whether it was asked for all classes alike (``train.label_draw=uniform``), not as often as the data
            have them.
        seed: of the latents.
        batches: how many there are.
    """
    network = copy.deepcopy(generator)
    separate(network)  # of several processes that train, each looks by itself
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    norms = [module for module in norms if module.track_running_stats]
    if norms:
        momenta = [module.momentum for module in norms]
        network.eval()
        for module in norms:
            module.train()
            module.reset_running_stats()
            module.momentum = None
        for number in range(batches):
            network(*_latents(Sampler.of(network, spec, uniform=uniform), seed, f"batch_norm/{number}"))
        for module, momentum in zip(norms, momenta, strict=True):
            module.momentum = momentum
    network.eval()
    return network


@torch.no_grad()
def chunks(
    network: Generator,
    spec: DataSpec,
    n: int,
    *,
    labels: Sequence[int] | None,
    seed: int,
    team: Team = ALONE,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Images (or vectors) and their labels, chunk by chunk, for more of them than memory holds.

    Labels are drawn from the data's frequencies unless given. Of several processes each makes some of the chunks, as
    one makes all, since batches of the same size have the same bits.
    """
    starts = range(0, n, CHUNK)
    for start in (starts[number] for number in team.stretch(len(starts))):
        count = min(CHUNK, n - start)
        z, chosen = _latents(Sampler.of(network, spec), seed, f"sample/{start // CHUNK}")
        if chosen is not None:
            chosen = chosen[:count] if labels is None else torch.tensor(labels[start : start + count]).to(chosen)
        yield as_data(network(z[:count], chosen)), None if chosen is None else chosen.cpu()


def counts(n: int, team: Team) -> list[int]:
    """How many of ``n`` samples each process of a team makes in :func:`chunks`."""
    starts = range(0, n, CHUNK)
    stretches = (replace(team, number=number).stretch(len(starts)) for number in range(team.size))
    return [sum(min(CHUNK, n - starts[number]) for number in stretch) for stretch in stretches]


def balanced_labels(spec: DataSpec, n: int) -> list[int] | None:
    """Labels of n samples: one of each class that occurs in the data, again and again; ``None`` without classes."""
    occurring = [number for number, share in enumerate(spec.marginal) if share > 0]
    return [occurring[number % len(occurring)] for number in range(n)] if spec.conditional else None


def as_data(generated: Tensor) -> Tensor:
    """What a dataset would hold, on the CPU: uint8 images, and vectors as they are."""
    if generated.ndim == 2:
        return generated.detach().to("cpu", torch.float32)
    return to_uint8(generated)


def to_uint8(data: Tensor) -> Tensor:
    """[-1, 1] → 0…255, rounded to nearest, on the CPU."""
    return data.detach().float().add(1).mul(127.5).round().clamp(0, 255).to("cpu", torch.uint8)


def _latents(sampler: Sampler, seed: int, role: str) -> tuple[Tensor, Tensor | None]:
    z = sampler.latents(CHUNK, random=generator_for(seed, role, "z"))
    return z, sampler.labels(CHUNK, random=generator_for(seed, role, "labels"))
