"""What to try against each verdict, and the command for it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.config.schema import RunConfig, TrainConfig
from ganzoo.health.verdict import Cause, Name

WORDS: dict[Name, str] = {
    "D won": "D tells real from fake so well that G learns little.",
    "D blind": "D does not tell real from fake, so what G learns from it is worth nothing.",
    "G's gradient gone": "Nothing is left that G could learn from.",
    "diversity falling": "Samples become alike: G leaves out more and more of the data.",
    "oscillation": "D and G chase each other in circles.",
    "memorizing": "Samples are copies of training pictures.",
    "NaN": "A number was not finite, so the run stopped.",
}
DEFAULT = RunConfig()


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to try, and a command that does."""

    try_: str
    command: str


def advice(name: Name, cause: Cause, *, config: RunConfig | None, again: str) -> Advice:
    """Advice for a run.

    Args:
        name: of the verdict.
        cause: why it is so, where that is known.
        config: of the run; the defaults are taken if it is not known.
        again: the command that starts a run like this one.
    """
    train = (config or DEFAULT).train
    augmented = bool((config or DEFAULT).augment)
    if cause == "no limit":
        return Advice(try_="Try a limit on D's slope", command=f"{again} --reg gradient-penalty")
    if cause == "flat loss":
        return Advice(try_="Try a loss that keeps its slope where D is sure", command=f"{again} --loss hinge")
    if name == "D won":
        return _told(again, "Try a slower D", [f"train.d_lr={train.d_lr / 4:.3g}"])
    if name == "D blind":
        slow = cause == "too slow" or (not cause and train.d_lr < train.g_lr)
        word, rate = ("faster", max(train.g_lr * 2, train.d_lr * 4)) if slow else ("slower", train.d_lr / 10)
        return _told(again, f"Try a {word} D, or another one", [f"train.d_lr={rate:.3g}"])
    if name == "G's gradient gone":
        return _told(again, "Try smaller steps of D", [f"train.d_lr={train.d_lr / 10:.3g}"])
    if name == "diversity falling":
        return _told(again, "Try a slower G", [f"train.g_lr={train.g_lr / 4:.3g}"])
    if name == "oscillation":
        rates = [f"train.g_lr={train.g_lr / 4:.3g}", f"train.d_lr={train.d_lr / 4:.3g}"]
        if max(train.g_betas[0], train.d_betas[0]) == 0:
            return _told(again, "Try smaller steps", rates)
        betas = [f"train.{player}_betas=[0.0,{beta:g}]" for player, (_, beta) in _betas(config)]
        return _told(again, "Try smaller steps without momentum", [*rates, *betas])
    if name == "memorizing" and not augmented:
        return Advice(try_="Try more pictures, or an augmentation", command=f"{again} --augment ada")
    if name == "memorizing":
        return _told(again, "Try more pictures, or fewer steps", [_half_as_long(train)])
    rates = [f"train.g_lr={train.g_lr / 10:.3g}", f"train.d_lr={train.d_lr / 10:.3g}", "train.clip_grad_norm=1.0"]
    return _told(again, "Try smaller steps and a limit on gradients", rates)


def _half_as_long(train: TrainConfig) -> str:
    if train.steps is None and train.minutes is not None:
        return f"train.minutes={train.minutes / 2:.3g}"
    return f"train.steps={max((train.steps or 2) // 2, 1)}"


def _betas(config: RunConfig | None) -> list[tuple[str, tuple[float, float]]]:
    train = (config or DEFAULT).train
    return [("g", train.g_betas), ("d", train.d_betas)]


def _told(again: str, try_: str, assignments: Sequence[str]) -> Advice:
    sets = " ".join(f"--set {shlex.quote(one)}" for one in assignments)
    return Advice(try_=try_, command=f"{again} {sets}")
