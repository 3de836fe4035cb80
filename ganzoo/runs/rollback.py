"""Going back: where numbers stop being finite, training goes on from the last good checkpoint at half the rates.

How often that happened belongs to the state of a run, so that one that was killed comes to the same numbers: from a
checkpoint before the rollback it meets the same divergence and does the same again. What is trained on then is built
anew, as it is where a run is resumed.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable

from ganzoo.errors import DivergedError
from ganzoo.planning.parts import adam_correction
from ganzoo.planning.plan import Plan
from ganzoo.protocols import Player
from ganzoo.runs.assembly import assemble
from ganzoo.runs.checkpoint import step_of
from ganzoo.runs.directory import RunDirectory
from ganzoo.training.setup import Setup
from ganzoo.training.state import TrainState

logger = logging.getLogger("ganzoo")

PLAYERS: tuple[Player, ...] = ("generator", "discriminator")


def with_rollbacks(
    plan: Plan, setup: Setup, directory: RunDirectory, offset: int, train: Callable[[Setup, int], None]
) -> None:
    """Train to the end, going back at most ``train.rollbacks`` times.

    Args:
        plan: what is trained.
        setup: what it begins with.
        directory: where the checkpoints are.
        offset: bytes of ``metrics.jsonl`` that stay.
        train: trains from a setup on, with that many bytes of ``metrics.jsonl``.

    Raises:
        DivergedError: once more than that, or at the first update of all, where no rate has acted yet.
    """
    begun: int | None = None
    while True:
        try:
            return train(setup, offset)
        except DivergedError as error:
            if setup.state.rollbacks >= plan.config.train.rollbacks or not setup.state.d_step:
                raise
            done, times = setup.state.step, setup.state.rollbacks + 1
            setup = assemble(plan.untrained())
            offset = _go_back(setup, directory, every=plan.config.train.checkpoint_every, before=begun)
            setup.state.rollbacks, begun = times, setup.state.step
            logger.warning(
                "%s; after step %d training goes back to step %d, at learning rates of 1/%d of those of the "
                "configuration (rollback %d of %d)",
                error.message,
                done,
                setup.state.step,
                2**times,
                times,
                plan.config.train.rollbacks,
            )


def _go_back(setup: Setup, directory: RunDirectory, *, every: int, before: int | None) -> int:
    """Restore the last checkpoint; bytes of ``metrics.jsonl`` up to there.

    Where training began with it the last time, so that it led to the same end, the one before it; and where there is
    none, the beginning, unless that was the weights of another run. Checkpoints at multiples of ``every`` go first:
    where a run was stopped in between, it has one more than others, and must come to the same numbers.
    """
    steps = [step_of(folder) for folder in directory.checkpoint_folders()]
    earlier = [step for step in steps if step != before]
    found = [step for step in earlier if step % every == 0] or earlier
    if not found and not (steps and directory.read_manifest().get("ancestry")):
        return 0
    tensors, numbers = directory.load_checkpoint((found or steps)[0])
    setup.state.restore(tensors, numbers)
    return int(numbers.get("metrics_offset", 0))


def rate_in_force(plan: Plan, state: TrainState, player: Player) -> float:
    """A player's learning rate as a configuration has it: what schedules and rollbacks have made of it so far."""
    optimizer = state.g_optimizer if player == "generator" else state.d_optimizer
    slowed = adam_correction(plan.options.values(), player) if "betas" in optimizer.defaults else 1.0
    train = plan.config.train
    configured = train.g_lr if player == "generator" else train.d_lr
    return float(optimizer.param_groups[0]["lr"]) / slowed or configured


def gentler(plan: Plan, directory: RunDirectory, state: TrainState) -> str:
    """What to do after training diverged: go on from the last good step at half the rates, by hand or by itself."""
    train = plan.config.train
    halves = {player: rate_in_force(plan, state, player) / 2 for player in PLAYERS}
    rates = " ".join(f"--set train.{player[0]}_lr={rate:g}" for player, rate in halves.items())
    found = directory.checkpoint_folders()
    if found:
        step = step_of(found[0])
        place = shlex.quote(f"{directory.path}:{step}")
        said = f"go on from step {step} at lower rates, in a new run, with: {directory.again()} --init {place} {rates}"
    else:
        said = f"start again at lower rates with: {directory.again()} {rates}"
    by_itself = f"; or let the run go back by itself with: ganzoo resume {directory.word} --set train.rollbacks=3"
    precise = "; or add --precision fp32" if plan.config.runtime.precision == "bf16" else ""
    return said + ("" if train.rollbacks else by_itself) + precise
