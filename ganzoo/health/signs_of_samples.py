"""What the samples show, and whether the players swing: signs in the rows, each with its threshold."""

from __future__ import annotations

from collections.abc import Sequence

from ganzoo.health.past import in_order
from ganzoo.health.rows import Row, column
from ganzoo.health.swing import swing
from ganzoo.health.verdict import Sign

LOOKS = 2
"""A verdict on samples takes so many measurements in a row: one may be a fluke."""
FALLEN = 0.5
"""Diversity is falling if it is below this share of the largest that it was, measured as mean distance of samples."""
COPIES = 0.25
"""G memorizes if this share of the samples, beyond what other real pictures show, are copies of training pictures."""
SWINGS = 60
"""Rows in which a swing is sought. It has to come twice, so that its period is at most half of them."""
STRENGTH = 0.45
"""The autocorrelation of the mean logits after a full period. A pure swing has 0.5 to 0.9, noise of 60 rows 0.13."""
OVERTAKEN = 0.75
"""A swing counts if real logits are above fake ones in at most this share of the rows.

The players then overtake each other, as they do where the game circles round its equilibrium (Mescheder et al. 2018,
arXiv:1801.04406). Where logits of both sides rise and fall together, as with ``lsgan``, no player loses by it.
"""


def diversity_falling(rows: Sequence[Row], most: float) -> Sign | None:
    """Samples become alike. ``most``: the largest diversity so far."""
    found = column(rows, "samples/diversity")[-LOOKS:]
    if len(found) < LOOKS or most <= 0:
        return None
    if all(value < FALLEN * most for value in found):
        return Sign(
            f"Samples are {found[-1]:.2f} times as far from each other as real data are, after {most:.2f}; below "
            f"{FALLEN:g} times the largest counts as falling."
        )
    return None


def memorizing(rows: Sequence[Row]) -> Sign | None:
    """Samples are copies of training pictures."""
    found = [
        (row["samples/copies"], row["samples/copies_real"])
        for row in rows
        if "samples/copies" in row and "samples/copies_real" in row
    ][-LOOKS:]
    if len(found) < LOOKS or any(share - real < COPIES for share, real in found):
        return None
    share, real = found[-1]
    return Sign(
        f"{share:.0%} of the samples are far nearer to one training picture than to any other, which {real:.0%} of "
        f"other real pictures are; {COPIES:.0%} more count as memorizing."
    )


def oscillation(window: Sequence[Row]) -> Sign | None:
    """Mean logits swing to and fro, and the players overtake each other."""
    if len(window) < SWINGS or (share := in_order(window)) > OVERTAKEN:
        return None
    found = [column(window, name) for name in ("logits/real", "logits/fake")]
    if any(len(values) < SWINGS for values in found):
        return None
    strength, period, deviation = max(swing(values) for values in found)
    if strength < STRENGTH:
        return None
    steps = period * (window[-1]["step"] - window[0]["step"]) / (len(window) - 1)
    return Sign(
        f"Mean logits swing by ±{deviation:.2g} with a period of some {steps:.0f} steps (autocorrelation "
        f"{strength:.2f}, {STRENGTH:g} counts), and real ones are above fake ones in {share:.0%} of the rows only."
    )
