"""A part of labelled data that is kept back from training, without a group on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from ganzoo.seeds import generator_for

if TYPE_CHECKING:
    from torch import Tensor


def held_out_part(labels: Tensor, groups: Sequence[str] | None, *, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Positions to train on, and positions that are held out.

    Whole groups are held out, drawn at random, rarest class first, until ``share`` of each class is, rounded and at
    least one. A group is not held out if a class would keep no picture to train on: a class whose pictures are all of
    one group is trained on, and not tested. Without groups each item is a group of its own.

    Args:
        labels: (N,) int64.
        groups: group of each item, such as its patient.
        share: above 0 and below 1.
        seed: of the draw.
    """
    names = [str(number) for number in range(len(labels))] if groups is None else groups
    members: dict[str, list[int]] = {}
    for number in torch.randperm(len(labels), generator=generator_for(seed, "held out")).tolist():
        members.setdefault(names[number], []).append(number)
    left = torch.bincount(labels)
    wanted = (share * left).round().long().clamp(min=1)
    counts = {group: torch.bincount(labels[rows], minlength=len(left)) for group, rows in members.items()}
    held = torch.zeros_like(left)
    chosen: set[str] = set()
    for label in left.argsort(stable=True).tolist():
        for group, count in counts.items():
            if held[label] >= wanted[label]:
                break
            if group in chosen or not count[label] or ((left - count == 0) & (count > 0)).any():
                continue
            chosen.add(group)
            held, left = held + count, left - count
    kept = [number for group, rows in members.items() if group not in chosen for number in rows]
    out = [number for group, rows in members.items() if group in chosen for number in rows]
    return torch.tensor(kept, dtype=torch.int64).sort().values, torch.tensor(out, dtype=torch.int64).sort().values
