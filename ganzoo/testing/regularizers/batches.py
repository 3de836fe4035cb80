"""Checks of a regularizer on batches of other size, with their labels, and on maps of logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.protocols import Discriminate, DiscriminatorOutput, JudgeAlike, Player, Regularizer, StepView
from ganzoo.testing.check import check, demand
from ganzoo.testing.regularizers.steps import ROUNDING, close, fresh_terms, part_of, step_of
from ganzoo.testing.regularizers.tags import terms_of
from ganzoo.testing.regularizers.terms import STEEP, demand_scalars
from ganzoo.testing.regularizers.toys import PLAYERS, Layout, judged_otherwise, rows_of, toys_for
from ganzoo.testing.subject import Subject

SAMPLES_OF_A_MEAN, SEEDS_OF_A_MEAN = 16, 64
"""Enough to tell a term from its double, if the draws for one sample make it vary about as much as it is large."""


@check(
    "labels",
    Regularizer,
    "When a regularizer calls the critic on real data or fakes, it passes their labels.",
    every_choice=True,
)
def judges_with_their_labels(subject: Subject) -> None:
    """Real data and fakes as they are in the view; whose labels mixtures get is for the regularizer to say."""
    for player in PLAYERS:
        view = step_of(subject, player)
        asked: list[tuple[Tensor, Tensor]] = []
        watched = {name: _watched(getattr(view, name), asked) for name in ("critic", "plain_critic")}
        changes: dict[str, Any] = watched | {"judge_alike": _watched_alike(view, asked)}
        terms_of(part_of(subject), replace(view, **changes))
        for images, given in asked:
            for side, known, labels in (("real", view.real, view.real_labels), ("fake", view.fake, view.fake_labels)):
                assert labels is not None  # images of toys have classes
                wrong = [row for row, image in enumerate(images) if _mislabeled(image, given[row], known, labels)]
                demand(
                    not wrong, f"in {player}'s step it asks the critic of {side} data with labels that are not theirs"
                )


def _watched(critic: Discriminate, asked: list[tuple[Tensor, Tensor]]) -> Discriminate:
    def ask(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        demand(labels is not None, "it asks the critic without labels")
        assert labels is not None
        asked.append((images.detach(), labels))
        return critic(images, labels)

    return ask


def _watched_alike(view: StepView, asked: list[tuple[Tensor, Tensor]]) -> JudgeAlike:
    def ask(images: Tensor, others: Tensor, labels: Tensor | None) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        return _watched(view.plain_critic, asked)(images, labels), _watched(view.plain_critic, asked)(others, labels)

    return ask


def _mislabeled(image: Tensor, label: Tensor, known: Tensor, labels: Tensor) -> bool:
    """Whether it is one of the known images, whose label is another."""
    same = (known.detach() == image).flatten(1).all(1)
    return bool(same.any()) and not bool((labels[same] == label).any())


@check(
    "duplicated-batch",
    Regularizer,
    "A term is a mean: a batch with every sample twice has the same value.",
    every_choice=True,
)
def is_a_mean(subject: Subject) -> None:
    """Equal, or, where other numbers are drawn for more samples, equal on average."""
    for player in PLAYERS:
        view = step_of(subject, player, SAMPLES_OF_A_MEAN)
        twice = rows_of(view, [row // 2 for row in range(2 * SAMPLES_OF_A_MEAN)])
        once, doubled = fresh_terms(subject, view), fresh_terms(subject, twice)
        demand(once.keys() == doubled.keys(), f"of a batch twice as large it gives {', '.join(doubled) or 'nothing'}")
        if not all(close(once[name], doubled[name]) for name in once):
            _demand_equal_means(subject, view, twice)


def _demand_equal_means(subject: Subject, view: StepView, twice: StepView) -> None:
    """Within four standard errors, which are 0 for a term without random numbers."""
    (mean, error), (of_twice, error_of_twice) = (_mean_over_seeds(subject, side) for side in (view, twice))
    for name, value in mean.items():
        allowed = 4 * (error[name].square() + error_of_twice[name].square()).sqrt() + ROUNDING * value.abs()
        found = (of_twice[name] - value).abs()
        demand(found <= allowed, f"with every sample twice {name!r} is {of_twice[name]:.6g} instead of {value:.6g}")


def _mean_over_seeds(subject: Subject, view: StepView) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Mean of each term, and its standard error."""
    drawn = [fresh_terms(subject, view, seed=seed) for seed in range(SEEDS_OF_A_MEAN)]
    values = {name: torch.stack([terms[name].detach() for terms in drawn]) for name in drawn[0]}
    errors = {name: value.std() / SEEDS_OF_A_MEAN**0.5 for name, value in values.items()}
    return {name: value.mean() for name, value in values.items()}, errors


@check(
    "logit-maps", Regularizer, "Logits are (N,) or maps (N, 1, h, w), perhaps with ``extra_logits``.", every_choice=True
)
def takes_every_layout(subject: Subject) -> None:
    """Maps of logits, and several of them."""
    layouts: tuple[Layout, ...] = ("samples", "patches", "maps")
    for layout in layouts:
        demand_scalars(subject, toys_for(layout=layout), torch.float64, where=f"of a critic with {layout}, ")


@check(
    "extra-logits",
    Regularizer,
    "A term that depends on ``logits`` depends on ``extra_logits`` as well: ``maps()`` has both.",
    every_choice=True,
)
def reads_every_map(subject: Subject) -> None:
    """Either is doubled alone, for critics of several slopes: a one-sided penalty may be 0 at one of them."""
    for player in PLAYERS:
        of_first, of_others = (_moved_by(subject, player, change) for change in (_double_first, _double_others))
        ignored = ", ".join(sorted(of_first - of_others))
        demand(not ignored, f"in {player}'s step {ignored} depends on logits and ignores extra_logits: use maps()")


def _moved_by(
    subject: Subject, player: Player, change: Callable[[DiscriminatorOutput], DiscriminatorOutput]
) -> set[str]:
    """The terms that have another value with what ``change`` makes of the critic's output."""
    moved = set()
    for steepness in (1.0, STEEP, 1 / STEEP):
        view = step_of(subject, player, toys=toys_for(layout="maps", steepness=steepness))
        before, after = fresh_terms(subject, view), fresh_terms(subject, judged_otherwise(view, change))
        moved |= {name for name, term in before.items() if name in after and not close(term, after[name])}
    return moved


def _double_first(output: DiscriminatorOutput) -> DiscriminatorOutput:
    return output._replace(logits=2 * output.logits)


def _double_others(output: DiscriminatorOutput) -> DiscriminatorOutput:
    return output._replace(extra_logits=tuple(2 * logits for logits in output.extra_logits))


@check(
    "patch-count",
    Regularizer,
    "Of a sample's patches the mean counts: a map that repeats one logit is that logit.",
    every_choice=True,
)
def patch_count_does_not_matter(subject: Subject) -> None:
    """One logit, or a map that repeats it."""
    for player in PLAYERS:
        one, repeated = (
            fresh_terms(subject, step_of(subject, player, toys=toys_for(layout=layout)))
            for layout in ("samples", "repeated")
        )
        for name, term in one.items():
            found = repeated[name]
            what = f"with logits (N, 1, 2, 3), all patches alike, {name!r}"
            demand(close(term, found), f"{what} is {found:.6g} instead of {term:.6g}")
