"""What critics tell of their own step: numbers, and how the game stands in words."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ganzoo.training.standing import Standing


class CriticLogs(dict[str, Tensor]):
    """``CRITIC/TERM`` → detached value.

    A dictionary of tensors in all else: nothing is read from the device until :meth:`standings` is called.

    Args:
        values: what is logged.
        judges: critic → judges its logits on the whole batch.
    """

    def __init__(
        self, values: Mapping[str, Tensor], judges: Mapping[str, Callable[[], Standing]] | None = None
    ) -> None:
        super().__init__(values)
        self._judges = dict(judges or {})

    def standings(self) -> dict[str, Standing]:
        """Critic → ``D won``, ``D blind`` or ``normal``, by what its loss lets it gain; empty without an update.

        This reads the logits from the device. They are those before the optimizer moved, of the first map, and of this
        process alone. A single batch is noisy, and at p_g = p_data the best critic is blind too: look at several.
        """
        return {name: judge() for name, judge in self._judges.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy for a file or another process is of the numbers, in a form that torch.load takes with weights_only.
        return OrderedDict, (), None, None, iter(self.items())
