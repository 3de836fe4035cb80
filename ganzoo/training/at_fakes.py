"""The gradient of what critics say at the fakes: of all terms together, and the norm of that of each."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.training.balance import wide
from ganzoo.training.game import sum_of


def gradient_at(fakes: Tensor, terms: Mapping[str, Tensor], *, each: bool) -> tuple[Tensor, dict[str, Tensor]]:
    """The gradient of the sum, and the 2-norm of the gradient of each term.

    Each term takes a backward pass through its critic, so norms come only if ``each`` is asked for. That of a single
    term comes at no cost and always. The gradient is the same number for number, whether norms are asked for or not.

    Raises:
        ConfigError: the critics' values do not depend on the fakes.
    """
    alone = len(terms) == 1
    gradient = _gradient(fakes, sum_of(terms.values()), keep=each and not alone)
    if alone:
        return gradient, dict.fromkeys(terms, wide(gradient).norm())
    return gradient, {name: _norm(fakes, value) for name, value in terms.items()} if each else {}


def _norm(fakes: Tensor, value: Tensor) -> Tensor:
    """0 for a term that the fakes have no part in."""
    if not value.requires_grad:
        return torch.zeros((), device=fakes.device)
    (gradient,) = torch.autograd.grad(value, fakes, retain_graph=True, materialize_grads=True)
    norm: Tensor = wide(gradient).norm()
    return norm


def _gradient(fakes: Tensor, value: Tensor, *, keep: bool) -> Tensor:
    try:
        (gradient,) = torch.autograd.grad(value, fakes, retain_graph=keep)
    except RuntimeError as error:
        if "donated buffers" in str(error):
            raise ConfigError(
                "a compiled critic gives its memory away in its first backward pass, so the gradient of each term "
                "cannot be asked for after that of their sum",
                given="observe=True",
                allowed="observe=True with a critic that is not compiled, or that keeps its memory",
                hint="torch._functorch.config.donated_buffer = False before the critic is first called",
            ) from error
        if "does not require grad" not in str(error) and "not have been used" not in str(error):
            raise
        raise ConfigError(
            "the critics' logits do not depend on the fakes, so the generator cannot learn from them",
            given=str(error).splitlines()[0],
            allowed="critics that compute logits from the data, with a graph",
            hint="look for .detach(), torch.no_grad() or .data in the critic's forward",
        ) from error
    return gradient
