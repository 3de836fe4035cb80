"""One of several processes that train critics together; run by ``test_adversary_processes.py``."""

from __future__ import annotations

import sys

import torch
from torch import distributed, nn

import ganzoo

RANK, WORLD, STORE, OUT, PASSES = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]


def main() -> None:
    if WORLD > 1:
        distributed.init_process_group("gloo", init_method=f"file://{STORE}", rank=RANK, world_size=WORLD)
    torch.manual_seed(RANK)  # weights differ until they are shared
    critic = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3)).double()
    adversary = ganzoo.Adversary(
        critic,
        loss="hinge",
        regularizers={"r1": {"weight": 0.5}},
        passes=PASSES,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    )
    random = torch.Generator().manual_seed(0)
    pushed = []
    for _ in range(3):
        real, fake = (torch.randn(8, 3, 16, 16, generator=random, dtype=torch.float64) for _ in range(2))
        rows = slice(8 // WORLD * RANK, 8 // WORLD * (RANK + 1))
        # The generator first: weights must be shared before the first critic is asked.
        total = adversary.generator_loss(fake[rows]).total.detach()
        if WORLD > 1:
            distributed.all_reduce(total)
        pushed.append(total / WORLD)
        adversary.update(fake=fake[rows], real=real[rows])
    if RANK == 0:
        torch.save({"weights": nn.utils.parameters_to_vector(critic.parameters()), "pushed": pushed}, OUT)


if __name__ == "__main__":
    main()
