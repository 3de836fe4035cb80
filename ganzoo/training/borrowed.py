"""Parameters that critics use and do not hold: of an encoder of the generator, or of layers in a plain list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.two_losses import TwoLosses
from ganzoo.training.walk import leaves_of

TOLD = (
    "critics, or losses and regularizers of theirs, use weights that they do not hold, such as one of shape "
    "{shape}{more}. Critics give these no gradient, and no state has them. That is right for an encoder of the "
    "generator; layers of a critic belong in an nn.ModuleList, not in a list"
)
REENTRANT = "CheckpointFunctionBackward"
"""How torch calls a part of a graph that runs once more, by a pass of its own, when it is differentiated."""


class Borrowed:
    """Differentiates for chosen tensors alone, so that nothing else gets a gradient, whoever holds it.

    Critics that checkpoint their activations by reentrant passes are differentiated for all that they use: torch
    refuses them otherwise, and what lies in such a pass is not in the graph.

    Args:
        known: parameters of the critics, and whatever else may get a gradient.
        warn: says something once.
    """

    def __init__(self, known: Iterable[Tensor], *, warn: Callable[[str], None]) -> None:
        self._known, self._warn = list(known), warn
        self._reentrant: dict[str, bool] = {}

    def look(self, side: str, terms: Sequence[Tensor]) -> None:
        """Look through the graph of the first terms of a side, and tell of what nobody holds."""
        if side in self._reentrant:
            return
        nodes = list(_behind(terms))
        self._reentrant[side] = any(node.name() == REENTRANT for node in nodes)
        known = {id(tensor) for tensor in self._known}
        leaves = {id(leaf): leaf for node in nodes if (leaf := getattr(node, "variable", None)) is not None}
        new = [leaf for leaf in leaves.values() if isinstance(leaf, nn.Parameter) and id(leaf) not in known]
        if new:
            largest = max(new, key=Tensor.numel)
            more = f" and {len(new) - 1} more" if new[1:] else ""
            self._warn(TOLD.format(shape=tuple(largest.shape), more=more))

    def backward(self, side: str, value: Tensor, inputs: Iterable[Tensor], *, keep: bool = False) -> None:
        """Leave gradients of ``value`` on those ``inputs`` that require one."""
        chosen = None if self._reentrant.get(side) else [one for one in inputs if one.requires_grad]
        torch.autograd.backward(value, retain_graph=keep, inputs=chosen)


def learnable(steps: Mapping[str, AdversarialStep]) -> list[Tensor]:
    """What losses, regularizers and augmentations of critics could learn, if somebody had an optimizer for it."""
    objectives = [step.objective for step in steps.values()]
    parts = [part.regularizer for objective in objectives for part in objective.regularizers]
    others = [part for objective in objectives for part in (*_losses(objective.loss), objective.augment)]
    return [leaf for part in (*parts, *others) for leaf in leaves_of(part)]


def _losses(loss: Any) -> tuple[Any, ...]:
    return (loss.discriminator, loss.generator) if isinstance(loss, TwoLosses) else (loss,)


def _behind(terms: Iterable[Tensor]) -> Iterator[Node]:
    """All nodes of a graph, each once."""
    waiting = [term.grad_fn for term in terms]
    met: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in met:
            met.add(node)
            yield node
            waiting += [before for before, _ in node.next_functions]
