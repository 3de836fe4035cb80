"""Parameters that critics use and do not hold: of an encoder of the generator, or of layers in a plain list."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.autograd.graph import Node

from ganzoo.training.without_trace import without_gradient

TOLD = (
    "critics use weights that they do not hold, such as one of shape {shape}{more}. Critics give these no gradient, "
    "and no state has them. That is right for an encoder of the generator; layers of a critic belong in an "
    "nn.ModuleList, not in a list"
)


class Borrowed:
    """What the graph of a first pass leads to besides what is known; it gets no gradient, then and later.

    Args:
        known: parameters of the critics, and whatever else may get a gradient.
        warn: says something once.
    """

    def __init__(self, known: Iterable[Tensor], *, warn: Callable[[str], None]) -> None:
        self._known, self._warn = list(known), warn
        self._found: list[nn.Parameter] = []
        self._looked: set[str] = set()

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """No gradient for what was found before, so none is computed."""
        with without_gradient(self._found):
            yield

    @contextmanager
    def at_rest_in(self, side: str, terms: Iterable[Tensor]) -> Iterator[None]:
        """Likewise for what these terms lead to, for the backward pass; they are looked through once on each side."""
        if side in self._looked:
            yield
            return
        self._looked.add(side)
        known = {id(tensor) for tensor in (*self._known, *self._found)}
        new = [leaf for leaf in _parameters_behind(terms) if id(leaf) not in known]
        if new:
            largest = max(new, key=Tensor.numel)
            more = f" and {len(new) - 1} more" if new[1:] else ""
            self._warn(TOLD.format(shape=tuple(largest.shape), more=more))
        self._found += new
        with without_gradient(new):
            yield


def _parameters_behind(terms: Iterable[Tensor]) -> Collection[nn.Parameter]:
    found: dict[nn.Parameter, None] = {}
    waiting: list[Node | None] = [term.grad_fn for term in terms]
    met: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in met:
            continue
        met.add(node)
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, nn.Parameter):
            found[leaf] = None
        waiting += [before for before, _ in node.next_functions]
    return found
