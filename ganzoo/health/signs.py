"""How the players stand: signs in the rows of the last steps, each with its threshold.

Every sign takes the rows of a window and what the run was like before. It gives its evidence, or ``None``.
"""

from __future__ import annotations

from collections.abc import Sequence

from ganzoo.health.past import Past, advantage_of, in_order
from ganzoo.health.rows import Row, middle
from ganzoo.health.verdict import Sign
from ganzoo.training.equilibrium import LossScale
from ganzoo.training.standing import BLIND, WON

WINDOW = 20
"""Rows that a verdict on the players takes: 200 steps by default. In the first steps D often wins for a while."""
LEARNED = 0.05
"""D has learned something once it gained this share of what its loss lets it gain.

At p_g = p_data the best D gains nothing, so a D that once told real from fake, and gradually does so less, is as it
should be. Healthy runs of the default stand at 0.005 to 0.02 for hundreds of steps, having been at 0.5.
"""
WRONG = 0.25
"""D is blind, whatever it knew, if real logits are above fake ones in at most this share of the rows."""
DEAD = 1e-5
"""Mean logits that differ by less than this share of their size are the same: float32 holds seven digits."""
WORSE = -0.25
"""D is blind, too, if it loses so much: it is sure of what is wrong, as one that takes too large steps is."""
RUNAWAY = 30.0
"""Where an objective has no floor, D has won if G's gradient became so many times what it was in the first window.

G's gradient is then proportional to D's slope. A critic of limited slope keeps it within a factor of ten or so.
"""
EARLY = 3
"""So many windows a critic may take to reach its slope."""
FLAT = 0.02
"""The loss pulls no more if its slope at the fakes' logits is below this share of that at p_g = p_data."""
GONE = 1e-3
"""G's gradient is gone if its norm is below this share of the largest that it had. Healthy runs stay above a
hundredth."""


def d_won(window: Sequence[Row], past: Past, loss: LossScale | None) -> Sign | None:
    """D has gained nearly all that its loss lets it gain, or its lead grows without end."""
    value, advantage = middle(window, "d/adversarial"), advantage_of(window, loss)
    if advantage is not None and loss is not None:
        if advantage < WON:
            return None
        return Sign(
            f"D's objective is {value:.3g}, {advantage:.0%} of the way from {loss.level:.3g}, its value at "
            f"p_g = p_data, to {loss.floor:.3g}, its least; {WON:.0%} count as won.",
            "too fast",
        )
    return _runs_away(window, past)


def _runs_away(window: Sequence[Row], past: Past) -> Sign | None:
    half = len(window) // 2
    before, now = middle(window[:half], "grad_norm/g"), middle(window[half:], "grad_norm/g")
    if past.rows < EARLY * WINDOW or not past.first_pull or before is None or now is None:
        return None
    if now < max(before, RUNAWAY * past.first_pull) or in_order(window) < 1:
        return None
    return Sign(
        f"G's gradient has the norm {now:.3g} and still grows, after {past.first_pull:.3g} at first: D's slope has no "
        f"limit. {RUNAWAY:g} times as much counts as won.",
        "no limit",
    )


def d_blind(window: Sequence[Row], past: Past, loss: LossScale | None) -> Sign | None:
    """D does no better than one that answers the same for every sample, and never did, or is dead, or is wrong."""
    if all(abs(row["logits/real"] - row["logits/fake"]) <= DEAD * _size(row) for row in window if _told(row)):
        if any(map(_told, window)):
            return Sign("Mean logits of real and fake samples are the same to five digits in every row.", "too fast")
        return None
    advantage, share = advantage_of(window, loss), in_order(window)
    if share <= WRONG and (advantage is None or advantage <= -BLIND):
        return Sign(f"Real logits are above fake ones in {share:.0%} of the rows; at most {WRONG:.0%} count as blind.")
    if advantage is None or loss is None or advantage > BLIND:
        return None
    known = f"D's objective is {middle(window, 'd/adversarial'):.4g}; one answer for all samples has {loss.level:.4g}."
    if advantage <= WORSE:
        lost = f"It is worse by {-advantage:.0%} of what there is to gain; {-WORSE:.0%} count as blind."
        return Sign(f"{known} {lost}", "too fast")
    if past.advantage is None or past.advantage < LEARNED:
        return Sign(f"{known} It never gained {LEARNED:.0%} of what there is to gain.", "too slow")
    return None


def _told(row: Row) -> bool:
    return "logits/real" in row and "logits/fake" in row


def _size(row: Row) -> float:
    return max(abs(row["logits/real"]), abs(row["logits/fake"]))


def gradient_gone(window: Sequence[Row], past: Past, loss: LossScale | None) -> Sign | None:
    """Nothing is left that G could learn from: by the slope of the loss, or by its gradient's norm."""
    real, fake = middle(window, "logits/real"), middle(window, "logits/fake")
    pull = None if loss is None or real is None or fake is None else loss.pull(real=real, fake=fake)
    if pull is not None and pull < FLAT:
        return Sign(
            f"At the fakes' mean logit, {fake:.3g}, the loss has {pull:.2g} of the slope for G that it has at "
            f"p_g = p_data; below {FLAT:g} it counts as flat.",
            "flat loss",
        )
    norm = middle(window, "grad_norm/g")
    if norm is not None and (norm == 0 or norm < GONE * past.pull):
        return Sign(
            f"G's gradient has the norm {norm:.2g} after {past.pull:.2g}; below {GONE:g} times that it counts as gone."
        )
    return None
