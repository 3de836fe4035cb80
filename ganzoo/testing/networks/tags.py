"""What tags of discriminators and generators alike promise, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from ganzoo.protocols import DataSpec
from ganzoo.testing.networks.trial import SOME_VECTORS, USUAL, first_taken, shake, takes, trial
from ganzoo.testing.subject import Subject
from ganzoo.training import spectral

KEPT = 1
"""Neither the first nor the last of its batch: it may be coupled with those before it, or with those after it."""


def image(subject: Subject) -> bool:
    """Whether images are taken, and vectors are refused."""
    return takes_only_shaped(subject, (spec for spec in USUAL if spec.rank == 2))


def takes_only_shaped(subject: Subject, data: Iterable[DataSpec]) -> bool:
    """Whether any of the data is taken, and vectors are not."""
    return any(takes(subject, spec) for spec in data) and not any(takes(subject, spec) for spec in SOME_VECTORS)


def needs_labels(subject: Subject) -> bool:
    """Whether data without classes are refused."""
    return not takes(subject, DataSpec(shape=first_taken(subject).shape))


def accepts_labels(subject: Subject) -> bool:
    """Whether other labels give another output."""
    one = trial(subject)
    shake(one.network)
    one.set_mode(training=False)
    with torch.no_grad():
        before = one.judged()
        one.labels.add_(1).remainder_(len(one.spec.classes))
        after = one.judged()
    return not alike(before, after, tolerance=1e-6)


def coupled(subject: Subject, *, training: bool) -> bool:
    """Whether what is said of a sample depends on the others of its batch."""
    said = []
    for factor in (1.0, -0.5):  # and not -1, which leaves squares as they are
        one = trial(subject).double()
        shake(one.network)
        others = torch.arange(len(one.given)) != KEPT
        one.given[others] *= factor
        one.set_mode(training=training)
        with torch.no_grad():
            said.append([value[KEPT] for value in one.judged()])
    return not alike(said[0], said[1], tolerance=1e-8)


def alike(some: Sequence[Tensor], others: Sequence[Tensor], *, tolerance: float) -> bool:
    """Whether tensors agree but for rounding."""
    pairs = zip(some, others, strict=True)
    return all(torch.allclose(one, other, rtol=tolerance, atol=tolerance) for one, other in pairs)


def coupled_in_training(subject: Subject) -> bool:
    """Whether samples are coupled in training, whatever is said."""
    return coupled(subject, training=True)


def batch_coupled_train(subject: Subject) -> bool:
    """Whether samples are coupled in training. Where it is said that they always are, this may be left out."""
    implied = {"batch_coupled_always"} <= subject.tags and "batch_coupled_train" not in subject.tags
    return subject.once(coupled_in_training) and not implied


def batch_coupled_always(subject: Subject) -> bool:
    """Whether samples are coupled in evaluation."""
    return coupled(subject, training=False)


def batch_nonlinear(subject: Subject) -> bool:
    """Whether a batch in two passes is another than in one: as soon as samples are coupled."""
    return subject.once(coupled_in_training)


def needs_two_samples(subject: Subject) -> bool:
    """Whether a single sample has no answer in training mode, as with BatchNorm over vectors."""
    one = trial(subject, n=1)
    one.set_mode(training=True)
    try:
        with torch.no_grad():
            one.judged()
    except Exception:  # torch says so with a ValueError, a component of somebody else's with what it likes
        return True
    return False


def spectral_norm(subject: Subject) -> bool:
    """Whether any weight is normalized by torch's parametrization."""
    return bool(spectral.norms(trial(subject).network))


MEASURES: Mapping[str, Callable[[Subject], bool]] = {
    "image": image,
    "needs_labels": needs_labels,
    "accepts_labels": accepts_labels,
    "batch_coupled_train": batch_coupled_train,
    "batch_coupled_always": batch_coupled_always,
    "batch_nonlinear": batch_nonlinear,
    "needs_two_samples": needs_two_samples,
    "spectral_norm": spectral_norm,
}
