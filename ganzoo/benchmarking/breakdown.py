"""Where the time of ganzoo's step goes.

The parts of a step are wrapped from outside and timed as they are called; nothing of what is computed changes. Whatever
no part claims is ``rest``: draws, losses, the check that all is finite, the average. So the parts add up to the step.
A penalty's own derivative is part of ``penalty``; what it adds to the backward pass is part of
``discriminator_backward``, as is all that goes backward where both players learn from one verdict. On a GPU the device
is waited for at the ends of each part, which costs time by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from ganzoo.benchmarking.contestants import GanzooLoop
from ganzoo.planning.plan import Plan
from ganzoo.protocols import Augmentation, Player, Regularizer, StepView
from ganzoo.training.setup import Setup

P = ParamSpec("P")
R = TypeVar("R")

PARTS = (
    "data",
    "fakes_for_discriminator",
    "discriminator_forward",
    "discriminator_backward",
    "penalty",
    "generator_forward",
    "generator_backward",
    "augmentation",
    "optimizer",
    "watch",
    "rest",
)
"""In the order in which a step comes to them. G's forward pass holds that of D on its fakes."""


@dataclass(kw_only=True)
class Stopwatch:
    """Adds up how long each part took, without what parts within it took.

    Attributes:
        clock: seconds.
        player: whose update it is.
        seconds: part → seconds so far.
    """

    clock: Callable[[], float]
    player: Player = "discriminator"
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    _open: list[str] = field(default_factory=list)
    _since: float = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What happens inside is part of this."""
        self._count()
        self._open.append(name)
        try:
            yield
        finally:
            self._count()
            self._open.pop()

    def timed(self, name: Callable[[], str] | str, function: Callable[P, R]) -> Callable[P, R]:
        """The same function, its time counted."""

        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.part(name if isinstance(name, str) else name()):
                return function(*args, **kwargs)

        return call

    def _count(self) -> None:
        now = self.clock()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


def breakdown(plan: Plan, *, folder: Path, steps: int, warmup: int, clock: Callable[[], float]) -> Mapping[str, float]:
    """Part → mean seconds per step of ganzoo; they add up to the mean step.

    Args:
        plan: its networks are trained.
        folder: where metric rows are written.
        steps: how many are looked at.
        warmup: how many are taken before.
        clock: seconds; it must wait for the device.
    """
    watch = Stopwatch(clock=clock)
    loop = GanzooLoop(plan, folder=folder, changed=partial(looked_into, watch=watch))
    with closing(loop.rows) as rows, loop.active(), _backward_timed(watch):
        loop.rows = watch.timed("watch", rows)  # type: ignore[assignment]
        for _ in range(warmup):
            loop.step()
        watch.seconds = dict.fromkeys(PARTS, 0.0)
        for _ in range(steps):
            with watch.part("rest"):
                loop.step()
    return {part: seconds / steps for part, seconds in watch.seconds.items()}


def looked_into(setup: Setup, *, watch: Stopwatch) -> Setup:
    """The same set-up with its parts timed. They belong to nobody else, and are thrown away afterwards."""
    game, state = setup.game, setup.state

    def generating() -> str:
        return "fakes_for_discriminator" if watch.player == "discriminator" else "generator_forward"

    def judging() -> str:
        return f"{watch.player}_forward"

    def of_player(player: Player, function: Callable[..., Any]) -> Callable[..., Any]:
        """What is called first in a player's update, or last in the other's."""

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            finally:
                watch.player = player

        return call

    batches: Any = setup.batches
    batches.stored = of_player("discriminator", watch.timed("data", batches.stored))
    following: dict[Player, Any] = {"generator": state.d_optimizer, "discriminator": state.g_optimizer}
    for player, optimizer in following.items():
        optimizer.step = of_player(player, watch.timed("optimizer", optimizer.step))
    return replace(
        setup,
        game=replace(
            game,
            discriminate=watch.timed(judging, game.discriminate),
            generate=watch.timed(generating, game.generate),
            regularizers=tuple(
                replace(part, regularizer=TimedRegularizer(part.regularizer, watch)) for part in game.regularizers
            ),
            augment=None if game.augment is None else TimedAugmentation(game.augment, watch),
        ),
    )


class TimedRegularizer(Regularizer):
    """A regularizer, timed."""

    def __init__(self, inner: Regularizer, watch: Stopwatch) -> None:
        self._inner, self._watch = inner, watch

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """As the inner one."""
        with self._watch.part("penalty"):
            return self._inner.discriminator_terms(view)

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """As the inner one."""
        with self._watch.part("penalty"):
            return self._inner.generator_terms(view)

    def after_step(self, player: Player, network: nn.Module) -> None:
        """As the inner one."""
        with self._watch.part("penalty"):
            self._inner.after_step(player, network)


class TimedAugmentation(Augmentation):
    """An augmentation, timed."""

    def __init__(self, inner: Augmentation, watch: Stopwatch) -> None:
        self._inner, self._watch = inner, watch

    def draw(self, n: int, *, random: torch.Generator) -> Tensor:
        """As the inner one."""
        with self._watch.part("augmentation"):
            return self._inner.draw(n, random=random)

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """As the inner one."""
        with self._watch.part("augmentation"):
            return self._inner(images, draws)

    def after_update(self, *, real: Tensor) -> None:
        """As the inner one."""
        with self._watch.part("augmentation"):
            self._inner.after_update(real=real)

    def observed(self) -> dict[str, Tensor]:
        """As the inner one."""
        return self._inner.observed()


@contextmanager
def _backward_timed(watch: Stopwatch) -> Iterator[None]:
    """Time the backward pass of every objective, which torch has no hook for."""
    untimed = torch.Tensor.backward
    timed = watch.timed(lambda: f"{watch.player}_backward", untimed)

    def backward(self: Tensor, *args: Any, **kwargs: Any) -> None:
        timed(self, *args, **kwargs)

    torch.Tensor.backward = backward  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.Tensor.backward = untimed  # type: ignore[method-assign]
