"""A critic that looks through a network that is never trained."""

from __future__ import annotations

import copy
from typing import Any, Self

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator


class OnFrozen(Discriminator):
    """Base class of discriminators on the features of a frozen network.

    The network is copied. Its parameters are not among those of the critic, so no optimizer gets them, and it is not in
    the state. It stays in evaluation whatever ``train()`` says, and moves with ``.to()``. Gradients pass through it to
    the images.
    """

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        # In a tuple, where torch looks for no modules.
        self._frozen = (copy.deepcopy(backbone).requires_grad_(False).eval(),)

    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """What the frozen network sees: tokens (N, C, L) or maps (N, C, H, W), at least one."""
        found: Any = self._frozen[0](images)
        return (found,) if isinstance(found, Tensor) else tuple(found)

    def shapes(self, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """(C, L) or (C, H, W) of each, for samples of this shape.

        Raises:
            ConfigError: the frozen network gives something else.
        """
        network = self._frozen[0]
        like = next((value for value in (*network.parameters(), *network.buffers())), torch.zeros((), device="cpu"))
        with torch.no_grad():
            given = network(torch.zeros(2, *shape, dtype=like.dtype, device=like.device))
        found = [given] if isinstance(given, Tensor) else list(given) if isinstance(given, tuple | list) else []
        if not found or not all(isinstance(one, Tensor) and one.ndim in (3, 4) and len(one) == 2 for one in found):
            raise ConfigError(
                "a frozen network gives neither tokens nor maps",
                given=", ".join(_in_words(one) for one in found) or type(given).__name__,
                allowed="a tensor (N, C, L) or (N, C, H, W), or a tuple or list of such",
                hint="wrap it in a module whose forward returns them, as [tokens.transpose(1, 2)] of tokens (N, L, C)",
            )
        return [tuple(one.shape[1:]) for one in found]

    def settle(self) -> None:
        """Move the frozen network to where the parameters are; for the end of a constructor."""
        self._frozen[0].to(next(self.parameters()).device)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """What ``.to()`` calls."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._frozen[0]._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def _in_words(one: Any) -> str:
    return f"a tensor of shape {tuple(one.shape)}" if isinstance(one, Tensor) else type(one).__name__
