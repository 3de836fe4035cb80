"""Which checkpoints of a run stay, by the rule in ``train.keep``."""

from __future__ import annotations

from collections.abc import Mapping

from ganzoo.config.schema import KEEP


def kept(scores: Mapping[int, float | None], rule: str) -> set[int]:
    """The steps whose checkpoints stay; the newest always does, since a run goes on from it.

    Args:
        scores: step of each checkpoint → how good it is, a larger number being better; ``None`` if it was not measured.
        rule: ``last N``, ``every N`` (the steps that N divides), ``best`` or ``all``.
    """
    found = KEEP.fullmatch(rule)
    assert found is not None, rule
    newest = sorted(scores, reverse=True)
    number = int(found["number"] or 1)
    if found["which"] == "last":
        return set(newest[:number])
    if rule == "best":
        measured = {step: score for step, score in scores.items() if score is not None}
        # Of equals the earliest: later ones trained for nothing.
        return {*newest[:1], *sorted(measured, key=lambda step: (-measured[step], step))[:1]}
    return {*newest[:1], *(step for step in scores if step % number == 0)}
