"""Several augmentations, one after the other, as one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.protocols import Augmentation


class Chain(Augmentation):
    """Augmentations in order; each gets its own columns of the random numbers.

    Numbers are drawn image by image, all of one before the next, so that drawing twice for half a batch is drawing once
    for the whole: penalties draw anew for each micro-batch.

    Args:
        parts: name → augmentation.
    """

    def __init__(self, parts: Mapping[str, Augmentation]) -> None:
        self._parts = dict(parts)
        self._widths = [part.draw(1, random=torch.Generator()).shape[1] for part in parts.values()]

    def draw(self, n: int, *, random: torch.Generator) -> Tensor:
        """The numbers of all parts side by side."""
        rows = [torch.cat([part.draw(1, random=random) for part in self._parts.values()], dim=1) for _ in range(n)]
        return torch.cat(rows)

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """Images through one part after the other."""
        for part, columns in zip(self._parts.values(), torch.split(draws, self._widths, dim=1), strict=True):
            images = part(images, columns)
        return images

    def after_update(self, *, real: Tensor) -> None:
        """Hand the logits to every part."""
        for part in self._parts.values():
            part.after_update(real=real)

    def part(self, name: str) -> Augmentation:
        """One of them."""
        return self._parts[name]

    def observed(self) -> dict[str, Tensor]:
        """What all parts show."""
        return {name: value for part in self._parts.values() for name, value in part.observed().items()}

    def state_dict(self) -> dict[str, Tensor]:
        """The state of each part under its name."""
        return {
            f"{name}/{key}": value for name, part in self._parts.items() for key, value in part.state_dict().items()
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        for name, part in self._parts.items():
            prefix = f"{name}/"
            part.load_state_dict({key.removeprefix(prefix): state[key] for key in state if key.startswith(prefix)})
