"""Micro-batches of a loop of one's own: whether they come in order, and whose draws they go on with."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

from ganzoo.errors import ConfigError
from ganzoo.protocols import Player
from ganzoo.training.draws import Drawing

Part = tuple[int, int]
"""(index, of) of a micro-batch."""


@dataclass
class OwnParts:
    """For each player, the part of its update that came last."""

    last: dict[Player, tuple[Drawing, int, int]] = field(default_factory=dict)

    def drawing(self, player: Player, *, seed: int, update: Any, part: Any) -> Drawing:
        """The draws of a part. The first part of an update begins anew, the others go on from the one before.

        Args:
            player: whose update it is.
            seed: of all draws.
            update: how many updates the player has made before, any whole number.
            part: (index, of).

        Raises:
            ConfigError: a number is not one, or the part before was not the last that came.
        """
        done, (index, of) = _update(update), place(part)
        drawing, *before = self.last.get(player, (None, None, None))
        if index == 0:
            drawing = Drawing(player=player, seed=seed, update=done)
        elif drawing is None or drawing.update != done or before != [index - 1, of]:
            came = "nothing" if drawing is None else f"part=({before[0]}, {before[1]}) of update {drawing.update}"
            raise ConfigError(
                f"a part of the {player}'s batch does not follow the one before, whose random draws it goes on with",
                given=f"part=({index}, {of}) of update {done}, after {came}",
                allowed="the parts of one update in order, each once, such as (0, 2) and (1, 2)",
                hint="begin the update with part=(0, 2), for example, or leave part= out for a whole batch",
            )
        self.last[player] = (drawing, index, of)
        return drawing


def whole_number(value: Any) -> int | None:
    """A Python int of anything that counts as one, as an integer tensor does; ``None`` for anything else."""
    try:
        return operator.index(value)
    except (TypeError, RuntimeError):  # torch raises the latter for tensors of several numbers
        return None


def _update(value: Any) -> int:
    found = whole_number(value)
    if found is None or found < 0:
        raise ConfigError(
            "update is not a number of updates",
            given=repr(value),
            allowed="how many updates the player has made before this one: a whole number, at least 0",
            hint="update=0 at the first update, then one more at each",
        )
    return found


def place(value: Any) -> tuple[int, int]:
    """(index, of) of a micro-batch, with a ConfigError for anything else."""
    numbers = [whole_number(number) for number in value] if isinstance(value, tuple | list) else []
    match numbers:
        case [int(index), int(of)] if 0 <= index < of:
            return index, of
    raise ConfigError(
        "part is not a place among the micro-batches of an update",
        given=repr(value),
        allowed="(index, of) with index from 0 to of - 1",
        hint="part=(0, 2), then part=(1, 2), for two micro-batches",
    )
