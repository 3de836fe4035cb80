"""The gradient of what critics say at the fakes: of all terms together, and the norm of that of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.training.balance import GAVE_AWAY, gave_away, norm_of
from ganzoo.training.game import sum_of

Backward = Callable[[Tensor, bool], None]
"""Called with a scalar, and whether its graph is needed again."""


def gradient_at(
    fakes: Tensor, terms: Mapping[str, Tensor], backward: Backward, *, each: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    """The gradient of the sum, and the 2-norm of the gradient of each term.

    Each term takes a backward pass through its critic, so norms come only if ``each`` is asked for. That of a single
    term is the norm of the gradient, and is left to whoever asks. The gradient is the same number for number, whether
    norms are asked for or not.

    Args:
        fakes: a leaf.
        terms: scalars.
        backward: leaves the gradient of a scalar on the fakes, and its graph there if it is to keep it.
        each: whether norms are asked for.

    Raises:
        ConfigError: the critics' values do not depend on the fakes.
    """
    each = each and len(terms) > 1
    gradient = _gradient(fakes, sum_of(terms.values()), backward, keep=each)
    return gradient, {name: _norm(fakes, value, backward) for name, value in terms.items()} if each else {}


def _norm(fakes: Tensor, value: Tensor, backward: Backward) -> Tensor:
    """0 for a term that the fakes have no part in."""
    if not value.requires_grad:
        return torch.zeros((), device=fakes.device)
    gradient = _left(fakes, value, backward, keep=True)
    return torch.zeros((), device=fakes.device) if gradient is None else norm_of(gradient)


def _gradient(fakes: Tensor, value: Tensor, backward: Backward, *, keep: bool) -> Tensor:
    try:
        gradient = _left(fakes, value, backward, keep=keep)
    except RuntimeError as error:
        if GAVE_AWAY in str(error):
            raise gave_away("a compiled critic", asked="the gradient of each term", given="observe=True") from error
        if "does not require grad" not in str(error):
            raise
        raise _independent(str(error).splitlines()[0]) from error
    if gradient is None:
        raise _independent("logits with a graph that does not lead to the fakes")
    return gradient


def _left(fakes: Tensor, value: Tensor, backward: Backward, *, keep: bool) -> Tensor | None:
    """Not autograd.grad, which critics that checkpoint their activations by reentrant passes refuse."""
    backward(value, keep)
    gradient, fakes.grad = fakes.grad, None
    return gradient


def _independent(given: str) -> ConfigError:
    return ConfigError(
        "the critics' logits do not depend on the fakes, so the generator cannot learn from them",
        given=given,
        allowed="critics that compute logits from the data, with a graph",
        hint="look for .detach(), torch.no_grad() or .data in the critic's forward",
    )
