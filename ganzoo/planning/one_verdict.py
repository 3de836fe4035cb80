"""What does not go with ``train.updates=simultaneous``, where both players learn from one verdict on shared fakes.

The generator's gradient at a fake is then that of the discriminator's loss, times the ratio of the slopes of both sides
of the loss at its logit. So each fake must have one logit, or a ratio that is the same at all logits; its logit must
depend on no other sample; and nothing but the loss may act at fakes.
"""

from __future__ import annotations

from ganzoo.config.finding import Finding
from ganzoo.planning.facts import Facts

ALTERNATING = "--set train.updates=alternating"
ONE_LOGIT = "--disc dcgan --set discriminator.norm=instance"


def verdict_that_serves_one(facts: Facts) -> Finding | None:
    """Other settings ask for verdicts of their own."""
    have = {"fakes": facts.fakes, "n_critic": facts.n_critic, "unroll_steps": facts.unroll_steps}
    wanted = {"fakes": "shared", "n_critic": 1, "unroll_steps": 0}
    other = [name for name in have if have[name] != wanted[name]]
    if facts.updates != "simultaneous" or not other:
        return None
    settings = " ".join(f"--set train.{name}={wanted[name]}" for name in other)
    return Finding(
        "refused",
        "with train.updates=simultaneous both players learn from one verdict on shared fakes, which leaves no room for "
        + ", ".join(f"train.{name}={have[name]}" for name in other),
        f"{settings}, or {ALTERNATING}",
        section="train",
    )


def verdict_on_samples_together(facts: Facts) -> Finding | None:
    """The logit of one fake says something of the others."""
    loss = facts.has("loss", "batch_nonlinear") or facts.has("loss", "generator_needs_real")
    if facts.updates != "simultaneous" or not (loss or facts.batch_coupled):
        return None
    parts = [f"loss {facts.names['loss']}"] * loss + [f"discriminator {facts.discriminator}"] * facts.batch_coupled
    flags = " ".join(["--loss bce"] * loss + [facts.uncoupling or ONE_LOGIT] * facts.batch_coupled)
    return Finding(
        "refused",
        "train.updates=simultaneous finds the generator's gradient sample by sample, but the samples of a batch are "
        f"compared with each other by {' and '.join(parts)}",
        f"{flags}, or {ALTERNATING}",
        section="train",
    )


def verdict_of_several_logits(facts: Facts) -> Finding | None:
    """The ratio of the slopes differs between the logits of a sample."""
    maps = facts.has("discriminator", "patch") and facts.loss_slopes != "opposite"
    if facts.updates != "simultaneous" or not (maps or facts.has("discriminator", "multiple_outputs")):
        return None
    return Finding(
        "refused",
        "train.updates=simultaneous needs one logit per sample, or one map of them with a loss whose sides are "
        f"opposite, such as minimax; discriminator {facts.discriminator} gives several logits, and the loss is "
        f"{facts.names['loss']}",
        f"{ONE_LOGIT}, or {ALTERNATING}",
        section="train",
    )


def verdict_without_slope(facts: Facts) -> Finding | None:
    """Nothing can be divided by 0."""
    if facts.updates != "simultaneous" or facts.loss_slopes != "flat":
        return None
    return Finding(
        "refused",
        "train.updates=simultaneous divides by the slope of the discriminator's loss at each fake, but that of loss "
        f"{facts.names['loss']} is 0 over whole ranges of logits",
        f"--loss bce, or {ALTERNATING}",
        section="train",
    )


def verdict_with_regularizers(facts: Facts) -> Finding | None:
    """Only those that limit the discriminator's slope take no part of the gradient at fakes."""
    others = [name for name, tags in facts.regularizers.items() if "limits_slope" not in tags]
    if facts.updates != "simultaneous" or not others:
        return None
    return Finding(
        "refused",
        "with train.updates=simultaneous the generator's gradient comes from the loss alone, so of regularizers only "
        f"penalties and clipping of the discriminator's slope may act, but not {', '.join(others)}",
        f"--reg none, or {ALTERNATING}",
        section="train",
    )


ONE_VERDICT = (
    verdict_that_serves_one,
    verdict_on_samples_together,
    verdict_of_several_logits,
    verdict_without_slope,
    verdict_with_regularizers,
)
