"""Contestants with plans of their own take turns in one process, each with memory as it would have it alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from ganzoo.allocator import NEVER, keep_freed_memory
from ganzoo.benchmarking.contestants import Entered, WithMemory
from ganzoo.benchmarking.rounds import Timed, take_turns
from ganzoo.benchmarking.work import Work, work_of_step
from ganzoo.planning.plan import Plan

Who = Mapping[Entered, Plan]
"""Contestant → what it trains."""


def work_of(who: Who, folder: Path, *, steps: int) -> dict[str, Work]:
    """What the step of each asks of the machine, by its label.

    Counted on networks that are not compiled, since what is compiled is not seen operation by operation.
    """
    found = {}
    for one, plan in who.items():
        with one.built(one.plan(plan, compiled=False), folder) as contestant:
            found[one.label] = work_of_step(contestant, steps=steps)
    return found


def timed(
    who: Who,
    folder: Path,
    *,
    work: Mapping[str, Work],
    rounds: int,
    steps: int,
    repeat: bool,
    wait: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda words: None,
) -> Timed:
    """Rounds in which all take turns.

    Args:
        who: the contestants.
        folder: where runs write their rows.
        work: what :func:`work_of` found.
        rounds: how many count.
        steps: of each turn.
        repeat: whether rounds that others disturbed are taken again.
        wait: until the device has done all that was asked of it.
        tell: hears how far it is.
    """
    tell("warming up")
    free = kept_free(who, work) if keep_freed_memory() else {}  # nobody's, where the user has chosen an allocator
    with ExitStack() as stack:
        contestants = {}
        for number, (one, plan) in enumerate(who.items()):
            place = folder / f"{number}"
            place.mkdir()
            built = stack.enter_context(one.built(one.plan(plan), place))
            contestants[one.label] = WithMemory(built, free=free[one.label]) if free else built
        return take_turns(
            contestants,
            rounds=rounds,
            steps=steps,
            repeat=repeat,
            wait=wait,
            tell=lambda done: tell(f"{done} rounds of {rounds}"),
        )


def kept_free(who: Who, work: Mapping[str, Work]) -> Mapping[str, int]:
    """Contestant → how many bytes may lie free in its turns.

    A run of ganzoo keeps all. GNU's allocator by itself keeps twice the largest block that was freed. All turns are in
    one process, so loops by hand get what it would come to in a process of theirs.
    """
    return {one.label: NEVER if one.loop == "ganzoo" else 2 * work[one.label].largest for one in who}
