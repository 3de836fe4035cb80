"""What tags of regularizers promise, measured.

``limits_slope``, ``replaces_generator_loss`` and ``replaces_discriminator_loss`` have checks of their own, one way
only: nothing that a regularizer does tells a term that is meant to bound a slope from one that happens to, or a
player's whole objective from a part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import Player, Regularizer, StepView
from ganzoo.testing.check import Failed
from ganzoo.testing.regularizers.toys import IMAGES, PLAYERS, Toys, judged_otherwise, rows_of, toys_for, view_of
from ganzoo.testing.subject import VECTORS, Subject


def terms_of(part: Regularizer, view: StepView) -> dict[str, Tensor]:
    """The terms of the player whose step it is."""
    return part.discriminator_terms(view) if view.player == "discriminator" else part.generator_terms(view)


def needs_features(subject: Subject) -> bool:
    """Whether it refuses a critic that shows none."""
    return any(_refuses(subject, _showing_less(view, features=()), "features") for view in _views(subject))


def needs_class_logits(subject: Subject) -> bool:
    """Whether it refuses a critic without a class head."""
    return any(_refuses(subject, _showing_less(view, class_logits=None), "class logits") for view in _views(subject))


def needs_embedding(subject: Subject) -> bool:
    """Whether it refuses a critic without embeddings."""
    less = [_showing_less(view, embedding=None, proxies=None) for view in _views(subject)]
    return any(_refuses(subject, view, "embeddings") for view in less)


def needs_labels(subject: Subject) -> bool:
    """Whether it refuses data without labels."""
    unlabeled = toys_for(replace(IMAGES, classes=(), marginal=(), conditional=False))
    return any(_refuses(subject, _view(subject, player, toys=unlabeled), "labels") for player in PLAYERS)


def needs_real_output(subject: Subject) -> bool:
    """Whether it refuses a generator's step in which real data was not judged."""
    return _refuses(subject, replace(_view(subject, "generator"), real_output=None), "real_output in G's step")


def needs_generator(subject: Subject) -> bool:
    """Whether it refuses a step that was given the fakes, and neither the generator nor its latents."""
    views = {player: replace(_view(subject, player), z=None, generate=None) for player in PLAYERS}
    views["generator"] = replace(views["generator"], network=None)
    return any(_refuses(subject, view, "the generator") for view in views.values())


def needs_style(subject: Subject) -> bool:
    """Whether it refuses a generator without a style."""
    view = _view(subject, "generator")
    return _refuses(subject, replace(view, network=_Unstyled(view.network or nn.Module())), "a style")


def needs_images(subject: Subject) -> bool:
    """Whether it cannot be built for vectors."""
    try:
        subject.build(VECTORS)
    except ConfigError:
        return True
    return False


def needs_per_sample_independence(subject: Subject) -> bool:
    """Whether it takes the critic's gradient at each sample, which a critic that couples samples does not have.

    One that subtracts two verdicts on versions of the same samples may mean a slope by it, and is taken at its word.
    """
    if any(_judges_alike(subject, player) for player in PLAYERS):
        return "needs_per_sample_independence" in subject.tags
    return any(_asks_for_gradients(subject, player) for player in PLAYERS)


def batch_nonlinear(subject: Subject) -> bool:
    """Whether a term is another than the mean of those of half batches, the second drawing on where the first ended.

    One that has no term yet, as its first updates only prepare it, is taken at its word.
    """
    if not any(terms_of(subject.build(IMAGES), view) for view in _views(subject)):
        return "batch_nonlinear" in subject.tags
    # Samples that are drawn from the batch may by chance come from their own half.
    return not all(_is_linear(subject, player, seed) for player in PLAYERS for seed in range(4))


def needs_two_samples(subject: Subject) -> bool:
    """Whether it refuses a batch of one."""
    return any(_refuses(subject, _view(subject, player, n=1), "a second sample") for player in PLAYERS)


class _Unstyled(nn.Module):
    """A generator that shows no style."""

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        made: Tensor = self.whole(z, labels)
        return made


def _view(subject: Subject, player: Player, n: int = 4, toys: Toys | None = None) -> StepView:
    return view_of(player, n, toys=toys, tags=subject.tags)


def _views(subject: Subject) -> Iterator[StepView]:
    return (_view(subject, player) for player in PLAYERS)


def _refuses(subject: Subject, view: StepView, lacking: str) -> bool:
    """Whether a step without something is a ConfigError."""
    part = subject.build(IMAGES)
    try:
        terms_of(part, view)
    except ConfigError:
        return True
    except Exception as error:
        raise Failed(
            f"without {lacking} it raises {type(error).__name__} ({error}): do without, or raise a ConfigError"
        ) from error
    return False


def _showing_less(view: StepView, **hidden: Any) -> StepView:
    """The step of a critic that hides something."""
    return judged_otherwise(view, lambda output: output._replace(**hidden))


def _asks_for_gradients(subject: Subject, player: Player) -> bool:
    toys, asked = toys_for(), []
    view = _view(subject, player, toys=toys)

    def watch(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        # In G's step fakes carry G's own graph; whoever wants a gradient at the image begins a new one there.
        asked.append(inputs[0].requires_grad and (player == "discriminator" or inputs[0].is_leaf))

    with toys.critic.register_forward_pre_hook(watch):
        terms_of(subject.build(IMAGES), view)
    return any(asked)


def _judges_alike(subject: Subject, player: Player) -> bool:
    view, asked = _view(subject, player), []

    def watch(*given: Any) -> Any:
        asked.append(True)
        assert view.judge_alike is not None  # that of toys has one
        return view.judge_alike(*given)

    terms_of(subject.build(IMAGES), replace(view, judge_alike=watch))
    return bool(asked)


def _is_linear(subject: Subject, player: Player, seed: int) -> bool:
    view = replace(_view(subject, player), random=torch.Generator().manual_seed(seed))
    whole = terms_of(subject.build(IMAGES), view)
    part, shared = subject.build(IMAGES), torch.Generator().manual_seed(seed)
    halves = [terms_of(part, replace(rows_of(view, rows), random=shared)) for rows in ([0, 1], [2, 3])]
    means = {name: torch.stack([half[name] for half in halves]).mean() for name in whole}
    return all(torch.allclose(whole[name], means[name], rtol=1e-5, atol=1e-12) for name in whole)


MEASURES: Mapping[str, Callable[[Subject], bool]] = {
    "needs_features": needs_features,
    "needs_class_logits": needs_class_logits,
    "needs_embedding": needs_embedding,
    "needs_labels": needs_labels,
    "needs_real_output": needs_real_output,
    "needs_generator": needs_generator,
    "needs_style": needs_style,
    "needs_images": needs_images,
    "needs_per_sample_independence": needs_per_sample_independence,
    "batch_nonlinear": batch_nonlinear,
    "needs_two_samples": needs_two_samples,
}
