"""All that a training loop works with."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Literal

from ganzoo.data import Batches
from ganzoo.training import spacing
from ganzoo.training.game import Game
from ganzoo.training.runtime import Runtime
from ganzoo.training.sampler import Sampler
from ganzoo.training.schedule_curve import Scheduled
from ganzoo.training.state import TrainState

ENDLESS = sys.maxsize
"""The steps of a run that time alone ends."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How often, how many, how fast: the numbers of a run that the loop needs.

    Attributes:
        steps: generator steps of the whole run; ``ENDLESS`` if time alone ends it.
        minutes: training time of the whole run, without what watches it; ``None`` for no limit.
        accumulate: micro-batches per batch.
        n_critic: discriminator updates per generator update.
        lr_schedule: ``constant``; ``linear`` falls to 0 over the second half; ``cosine`` falls to 0 over the run.
        fakes: whether the generator learns from fakes of its own, or from those that the discriminator judged last.
        updates: whether the generator learns from the discriminator as it is after its update, or before.
        spectral_norm: one power iteration per discriminator update, or torch's own at every forward.
        ema: decay of the generator's average, where the state keeps one.
        log_every: generator steps between reports that carry numbers; more in a very long run, as :meth:`apart` says.
    """

    steps: int
    batch_size: int
    minutes: float | None = None
    seed: int = 0
    accumulate: int = 1
    n_critic: int = 1
    clip_grad_norm: float | None = None
    lr_schedule: Literal["constant", "linear", "cosine"] = "constant"
    fakes: Literal["fresh", "shared"] = "fresh"
    updates: Literal["alternating", "simultaneous"] = "alternating"
    spectral_norm: Literal["per-update", "per-forward"] = "per-update"
    ema: float | None = None
    log_every: int = 10

    def logs(self, step: int) -> bool:
        """Whether the numbers of this step are written down."""
        return step % self.apart(step) == 0 or step == self.steps

    def apart(self, step: int) -> int:
        """Steps from the report with numbers before this step to the next one."""
        return spacing.apart(step, self.log_every, spacing.MOST_ROWS)

    def passes(self, step: int, every: int) -> bool:
        """Whether a multiple of ``every`` was passed since the report with numbers before this step."""
        apart = self.apart(step)
        before = step - (step % apart or apart)
        return step // every != before // every

    @property
    def seconds(self) -> float:
        """Training time of the whole run."""
        return math.inf if self.minutes is None else 60 * self.minutes

    @property
    def in_words(self) -> str:
        """When the run ends: ``1500``, or ``5 minutes``."""
        ends = [] if self.steps == ENDLESS else [str(self.steps)]
        return " or ".join(ends if self.minutes is None else [*ends, f"{self.minutes:g} minutes"])

    def over(self, state: TrainState) -> bool:
        """Whether nothing is left to do."""
        return state.step >= self.steps or state.seconds >= self.seconds

    def ends(self, seconds: float) -> bool:
        """Whether so much training time is all that there is."""
        return seconds >= self.seconds

    def images(self, step: int) -> int:
        """Real images that the discriminator has seen after so many generator steps."""
        return step * self.n_critic * self.batch_size

    def learning_rate_factor(self, step: int) -> float:
        """What the learning rates are multiplied by: a pure function of the step."""
        done = step / self.steps
        if self.lr_schedule == "linear":
            return min(1.0, 2 * (1 - done))
        return 0.5 * (1 + math.cos(math.pi * done)) if self.lr_schedule == "cosine" else 1.0


@dataclass(frozen=True, kw_only=True)
class Setup:
    """All that a training loop works with; only ``state`` changes.

    Attributes:
        sampler: where the fakes of both players' steps come from.
        scheduled: the numbers that move.
    """

    game: Game
    state: TrainState
    batches: Batches
    sampler: Sampler
    runtime: Runtime
    schedule: Schedule
    scheduled: tuple[Scheduled, ...] = ()
