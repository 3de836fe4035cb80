"""What critics tell of their own step: numbers, and how the game stands in words."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo.training.standing import Standing


class CriticLogs(Mapping[str, Tensor]):
    """``CRITIC/TERM`` → detached value; mean logits and accuracies likewise.

    Mean logits, accuracies and what a loss itself has to tell are computed when one of them is read, so a step in which
    nobody looks pays nothing. The logits are kept as long as this is. Nothing is read from the device before
    :meth:`standings` is called.

    Args:
        values: what is there already.
        observe: computes the rest.
        judges: critic → judges its logits on all parts of the batch so far.
    """

    def __init__(
        self,
        values: Mapping[str, Tensor],
        observe: Callable[[], Mapping[str, Tensor]] = dict,
        judges: Mapping[str, Callable[[], Standing]] | None = None,
    ) -> None:
        self._values = dict(values)
        self._observe: Callable[[], Mapping[str, Tensor]] | None = observe
        self._judges = dict(judges or {})

    def standings(self) -> dict[str, Standing]:
        """Critic → ``D won``, ``D blind`` or ``normal``, by what its loss lets it gain; empty without an update.

        This reads the logits from the device. They are those before the optimizer moved, of the first map, and of this
        process alone. A single batch is noisy, and at p_g = p_data the best critic is blind too: look at several.
        """
        return {name: judge() for name, judge in self._judges.items()}

    def _all(self) -> dict[str, Tensor]:
        if self._observe is not None:
            with torch.inference_mode(False), torch.no_grad():  # as in the update, wherever it is read
                self._values |= self._observe()
            self._observe = None
        return self._values

    def __getitem__(self, name: str) -> Tensor:
        return self._values[name] if name in self._values else self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        return bool(self._values)  # each critic has a term, whatever else is observed

    def __repr__(self) -> str:
        return repr(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy for a file or another process is of the numbers, in a form that torch.load takes with weights_only.
        return OrderedDict, (), None, None, iter(self.items())
