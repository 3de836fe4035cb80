"""The learning rate that a state brings along, where another one was asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def learning_rates(optimizer: torch.optim.Optimizer) -> list[float]:
    """Of each group, before any scheduler changed it: a schedule that went on is not another wish."""
    return [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]


def other_rates(asked: Sequence[float], saved: Sequence[float]) -> str:
    """What is said where a saved rate takes the place of another one; nothing where it is the same."""
    if saved == asked:
        return ""
    old, new = (", ".join(f"{rate:g}" for rate in rates) for rates in (saved, asked))
    return (
        f"saved with lr {old}, and going on with it in place of lr {new}; to set your own now: "
        f'for group in adversary.optimizer.param_groups: group["lr"] = {new.partition(",")[0]}'
    )
