"""How much of each class is recognized."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def occurring(labels: Tensor) -> list[int]:
    """The classes that occur, in order."""
    return torch.bincount(labels).nonzero().flatten().tolist()


def recalls(found: Tensor, labels: Tensor) -> dict[int, float]:
    """Class → the share of its pictures that are recognized; classes that do not occur in ``labels`` are left out."""
    return {label: float((found[labels == label] == label).double().mean()) for label in occurring(labels)}


def balanced_accuracy(found: Tensor, labels: Tensor) -> float:
    """The mean recall of the classes that occur in ``labels``: a rare class counts as much as a frequent one.

    Guessing, and always naming the same class, has 1/K of K classes.
    """
    return float(torch.tensor(list(recalls(found, labels).values()), dtype=torch.float64).mean())
