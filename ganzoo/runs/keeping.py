"""Which checkpoints of a run stay, by the rule in ``train.keep``."""

from __future__ import annotations

from collections.abc import Collection

from ganzoo.config.schema import KEEP


def kept(steps: Collection[int], rule: str) -> set[int]:
    """The steps whose checkpoints stay; the newest always does, since a run goes on from it.

    Args:
        steps: those that have a checkpoint.
        rule: ``last N``, ``every N`` (the steps that N divides) or ``all``.
    """
    found = KEEP.fullmatch(rule)
    assert found is not None, rule
    newest = sorted(steps, reverse=True)
    number = int(found["number"] or 1)
    if found["which"] == "last":
        return set(newest[:number])
    return {*newest[:1], *(step for step in steps if step % number == 0)}
