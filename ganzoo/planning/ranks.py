"""Which discriminators take data of which rank: signals, images, volumes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ganzoo.component import RANKS, Options
from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec
    from ganzoo.registry import Entry

HELD = {0: "vectors (D,)", 1: "signals (C, T)", 2: "images (C, H, W)", 3: "volumes (C, D, H, W)"}


def held_by(rank: int) -> str:
    """Data of a rank in words: ``volumes (C, D, H, W)``."""
    return HELD.get(rank, f"samples with {rank} axes besides the channels")


def takes_rank(tags: Iterable[str], rank: int) -> bool:
    """Whether a discriminator with these tags takes such data: it names the rank, or names none."""
    named = set(tags) & set(RANKS.values())
    return not named or RANKS.get(rank) in named


def demand_rank(entry: Entry, options: Options, spec: DataSpec, *, others: Iterable[Entry]) -> None:
    """Refuse data that a discriminator does not take, and name those that do.

    Args:
        entry: the discriminator.
        options: its options, which may narrow what it takes.
        spec: what the data look like.
        others: all discriminators.

    Raises:
        ConfigError: it does not take data of this rank.
    """
    tags = options.tags()
    if takes_rank(tags, spec.rank):
        return
    taking = [one for one in others if takes_rank(one.component.tags, spec.rank) and one.name != entry.name]
    # Those made for it come before those that take anything.
    names = [one.name for one in sorted(taking, key=lambda one: RANKS.get(spec.rank) not in one.component.tags)]
    works_on = " and ".join(held_by(rank) for rank, tag in RANKS.items() if tag in tags)
    narrowed = takes_rank(entry.component.tags, spec.rank)
    raise ConfigError(
        f"discriminator {entry.name}{' with these options' if narrowed else ''} works on {works_on}, "
        f"but these data are {held_by(spec.rank)}",
        given=f"spec.shape {spec.shape}",
        allowed=f"for such data: {', '.join(names)}",
        hint=f'ganzoo.build("discriminator", "{(names or [entry.name])[0]}", spec=spec)',
    )
