"""Contestants take turns in one process, and rounds that other programs disturbed are repeated."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import cycle, permutations

from ganzoo.benchmarking.contestant import Contestant

WARMUP = 2
DISTURBED = 1.1
"""How many times its least share of waiting a turn may wait before it counts as disturbed."""
Clocks = tuple[Callable[[], float], Callable[[], float]]
CLOCKS: Clocks = (time.perf_counter, time.process_time)


@dataclass(frozen=True)
class Turn:
    """What one turn took.

    Attributes:
        wall: seconds that passed.
        cpu: seconds of processor time of all threads of this process.
    """

    wall: float
    cpu: float

    @property
    def waiting(self) -> float:
        """Grows when others have the cores: time passes in which this process does not compute."""
        return self.wall / max(self.cpu, 1e-9)


Round = Mapping[str, Turn]


@dataclass(frozen=True, kw_only=True)
class Timed:
    """The rounds that count.

    Attributes:
        rounds: contestant → its turn, round by round.
        disturbed: how many of them others disturbed all the same.
        repeated: how many more were taken in place of such.
    """

    rounds: list[Round]
    disturbed: int
    repeated: int


def take_turns(
    contestants: Mapping[str, Contestant],
    *,
    rounds: int,
    steps: int = 1,
    untimed: int = 1,
    warmup: int = WARMUP,
    repeat: bool = True,
    clocks: Clocks = CLOCKS,
    wait: Callable[[], None] = lambda: None,
    tell: Callable[[int], None] = lambda done: None,
) -> Timed:
    """Time every contestant once per round; all orders take turns.

    A step finds caches and freed memory as the one before it left them. So a turn begins with a step that is not timed,
    and those after it find what they would if nobody else took part.

    Args:
        contestants: name → who.
        rounds: how many count.
        steps: of each turn that are timed.
        untimed: steps before them.
        warmup: rounds before them that do not.
        repeat: take a round more for each that others disturbed, at most as many again.
        clocks: seconds that passed, and seconds of processor time.
        wait: until the device has done all that was asked of it.
        tell: hears after each round how many were taken.
    """
    orders = cycle(permutations(contestants))
    for _ in range(warmup):
        _round(contestants, next(orders), (untimed, steps), clocks, wait)
    taken: list[Round] = []
    while len(taken) < rounds or (repeat and _quiet(taken) < rounds and len(taken) < 2 * rounds):
        taken.append(_round(contestants, next(orders), (untimed, steps), clocks, wait))
        tell(len(taken))
    least = _least(taken)
    kept = sorted(range(len(taken)), key=lambda number: _excess(taken[number], least))[:rounds]
    rows = [taken[number] for number in sorted(kept)]
    return Timed(
        rounds=rows,
        disturbed=sum(_excess(row, least) > DISTURBED for row in rows),
        repeated=len(taken) - rounds,
    )


def _round(
    contestants: Mapping[str, Contestant],
    order: tuple[str, ...],
    steps: tuple[int, int],
    clocks: Clocks,
    wait: Callable[[], None],
) -> Round:
    return {name: _turn(contestants[name], steps, clocks, wait) for name in order}


def _turn(contestant: Contestant, steps: tuple[int, int], clocks: Clocks, wait: Callable[[], None]) -> Turn:
    wall, cpu = clocks
    untimed, timed = steps
    looks: dict[int, tuple[float, float]] = {}

    def look(taken: int) -> None:
        if taken in (untimed, untimed + timed):
            wait()
            looks[taken] = wall(), cpu()

    with contestant.active():
        look(0)
        contestant.steps(untimed + timed, look)
    begun, ended = looks.values()
    return Turn(ended[0] - begun[0], ended[1] - begun[1])


def _least(taken: list[Round]) -> dict[str, float]:
    return {name: min(row[name].waiting for row in taken) for name in (taken[0] if taken else ())}


def _excess(row: Round, least: Mapping[str, float]) -> float:
    """By how much the turn that waited most waited more than that contestant need."""
    return max(turn.waiting / least[name] for name, turn in row.items())


def _quiet(taken: list[Round]) -> int:
    least = _least(taken)
    return sum(_excess(row, least) <= DISTURBED for row in taken)
