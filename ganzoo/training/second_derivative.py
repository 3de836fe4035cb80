"""Whether what a regularizer takes the gradient of can be differentiated once more; found before backward fails."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import PluginError
from ganzoo.training.game import Named

SUSPECT = (
    "torch::autograd::NotImplemented",
    "torch::autograd::Error",
    "CdistBackwardBackward0",
    "PdistBackwardBackward0",
)
"""Nodes of a graph that cannot be gone through: seen in torch 2.13, by trying its operations one by one."""

SAID = ("is not implemented", "differentiate twice", "once_differentiable")
"""How torch words it."""

LACKING = (
    "operations that have a second derivative. In torch 2.13 these have none: hardsigmoid, cdist, pdist, autograd "
    "functions marked once_differentiable, and scaled_dot_product_attention with all that uses it: MultiheadAttention "
    "with need_weights=False, and TransformerEncoderLayer in eval() or without dropout"
)
ADVICE = (
    "leave the regularizer out, or write relu6(x + 3) / 6 for hardsigmoid(x), "
    "(x[:, None] - y[None]).square().sum(-1) for distances, and call attention within "
    "torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)"
)


def demand_second_derivative(term: Tensor, network: nn.Module, *, judged: Named, needed_by: str) -> None:
    """Refuse a term that torch cannot differentiate; for the first update in which it is computed.

    The graph is walked, which takes milliseconds and reads no value. Only at a suspect node is the gradient taken.

    Args:
        term: a scalar with a graph.
        network: whose parameters it is to teach.
        judged: the network whose gradient is in the term.
        needed_by: who takes that gradient.

    Raises:
        PluginError: torch says that a derivative is missing.
    """
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not parameters or not _suspect(term):
        return
    try:
        torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        if not any(words in str(error) for words in SAID):
            raise
        raise PluginError(
            f"{judged.words} has no second derivative, which {needed_by} needs",
            given=str(error).splitlines()[0],
            allowed=LACKING,
            hint="; ".join(filter(None, [ADVICE, judged.command])),
        ) from error


def _suspect(term: Tensor) -> bool:
    """Whether the graph of a term holds a node that may be impassable."""
    seen, waiting = set(), [term.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if node.name() in SUSPECT:
            return True
        seen.add(node)
        waiting.extend(before for before, _ in node.next_functions)
    return False
