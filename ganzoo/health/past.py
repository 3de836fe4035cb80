"""What the health of a run is compared with: its own past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.health.rows import Row, column, gaps, middle
from ganzoo.training.equilibrium import LossScale


@dataclass
class Past:
    """The best that a run had so far, over windows of rows.

    Attributes:
        advantage: D's largest share of what its loss lets it gain; ``None`` if the loss does not tell.
        pull: the largest gradient norm of G.
        first_pull: G's gradient norm in the first window; ``None`` before there was one.
        rows: how many rows there were.
        diversity: the largest ``samples/diversity`` of a row.
    """

    advantage: float | None = None
    pull: float = 0.0
    first_pull: float | None = None
    rows: int = 0
    diversity: float = 0.0

    def extend(self, window: Sequence[Row], loss: LossScale | None) -> None:
        """Take in another window of rows."""
        if (advantage := advantage_of(window, loss)) is not None:
            self.advantage = advantage if self.advantage is None else max(self.advantage, advantage)
        pull = middle(window, "grad_norm/g") or 0.0
        self.pull = max(self.pull, pull)
        self.first_pull = pull if self.first_pull is None else self.first_pull
        self.diversity = max([self.diversity, *column(window[-1:], "samples/diversity")])


def advantage_of(window: Sequence[Row], loss: LossScale | None) -> float | None:
    """The median share of what D can gain."""
    value = middle(window, "d/adversarial")
    return None if loss is None or value is None else loss.advantage(value)


def in_order(window: Sequence[Row]) -> float:
    """The share of rows in which the mean real logit is above the mean fake one; 1 if no row tells."""
    found = gaps(window)
    return sum(gap > 0 for gap in found) / len(found) if found else 1.0
