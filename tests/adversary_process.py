"""One of several processes that train critics together; run by ``test_adversary_processes.py``."""

from __future__ import annotations

import sys

import torch
from torch import Tensor, distributed, nn

import ganzoo

WAYS = ("one", "two", "slices")


def trained(rank: int, world: int, way: str) -> Tensor:
    """The critic's weights after three updates on this process's part of each batch.

    ``way`` is how many passes it makes, or that it judges slices, which must be the same in all processes.
    """
    torch.manual_seed(rank)  # weights differ until they are shared
    layer = nn.Conv1d if way == "slices" else nn.Conv2d
    critic: nn.Module = nn.Sequential(layer(3, 8, 3, stride=2), nn.LeakyReLU(0.2), layer(8, 1, 3)).double()
    if way == "slices":
        critic = ganzoo.SliceCritic(critic, axis=2, k=5)
    adversary = ganzoo.Adversary(
        critic,
        loss="hinge",
        regularizers={"r1": {"weight": 0.5}},
        passes="two" if way == "two" else "one",
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    )
    random = torch.Generator().manual_seed(0)
    pushed = []
    for _ in range(3):
        real, fake = (torch.randn(8, 3, 16, 16, generator=random, dtype=torch.float64) for _ in range(2))
        rows = slice(8 // world * rank, 8 // world * (rank + 1))
        # The generator first: weights must be shared before the first critic is asked.
        total = adversary.generator_loss(fake[rows]).total.detach()
        if world > 1:
            distributed.all_reduce(total)
        pushed.append(total / world)
        adversary.update(fake=fake[rows], real=real[rows])
    return torch.cat([nn.utils.parameters_to_vector(critic.parameters()).detach(), torch.stack(pushed)])


class Tokenizer(nn.Module):
    """A model that holds its critic twice over: by itself, and within the adversary that trains it."""

    def __init__(self, *, kept_out: bool) -> None:
        super().__init__()
        self.net = nn.Conv2d(3, 3, 3, padding=1)
        self.critic = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8).eval(), nn.Conv2d(8, 1, 3))
        self.adversary = ganzoo.Adversary(self.critic, passes="two")
        if kept_out:
            self.adversary.keep_out_of_ddp(self)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.net(x)
        return y


def generator_trained(rank: int, world: int, *, kept_out: bool = True) -> Tensor:
    """The generator's weights after three steps, wrapped together with its critic where there are several processes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = Tokenizer(kept_out=kept_out).double()
    wrapped = nn.parallel.DistributedDataParallel(module) if world > 1 else module
    optimizer = torch.optim.SGD(module.net.parameters(), lr=0.1)
    random = torch.Generator().manual_seed(0)
    for _ in range(3):
        rows = slice(8 // world * rank, 8 // world * (rank + 1))
        real = torch.randn(8, 3, 8, 8, generator=random, dtype=torch.float64)[rows]
        fake = wrapped(real)
        total = module.adversary.generator_loss(fake, real=real).total
        optimizer.zero_grad()
        ((fake - real).square().mean() + total).backward()
        optimizer.step()
        module.adversary.update(fake=fake, real=real)
    return nn.utils.parameters_to_vector(module.net.parameters()).detach()


def refusal(rank: int, world: int) -> str:
    """What is said to a model that was wrapped together with its critic."""
    try:
        generator_trained(rank, world, kept_out=False)
    except ganzoo.errors.ConfigError as error:
        return str(error)
    return ""


def main(rank: int, world: int, store: str, out: str) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world)
    found: dict[str, object] = {way: trained(rank, world, way) for way in WAYS}
    found |= {"generator": generator_trained(rank, world), "refusal": refusal(rank, world)}
    if rank == 0:
        torch.save(found, out)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
