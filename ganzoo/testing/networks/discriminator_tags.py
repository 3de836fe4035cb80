"""What tags of discriminators promise, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from ganzoo.errors import ConfigError
from ganzoo.testing.networks import tags
from ganzoo.testing.networks.trial import OTHER_RANKS, Answers, fill_normal, named, output_of, trial
from ganzoo.testing.subject import Subject


def answers_of(subject: Subject) -> Answers:
    """What it says of a batch."""
    return named(subject.kind, output_of(subject))


def signal(subject: Subject) -> bool:
    """Whether signals are taken, and vectors are refused."""
    return tags.takes_only_shaped(subject, (spec for spec in OTHER_RANKS if spec.rank == 1))


def volume(subject: Subject) -> bool:
    """Whether volumes are taken, and vectors are refused."""
    return tags.takes_only_shaped(subject, (spec for spec in OTHER_RANKS if spec.rank == 3))


def patch(subject: Subject) -> bool:
    """Whether logits are a map."""
    return answers_of(subject)["logits"].dim() > 1


def provides_class_logits(subject: Subject) -> bool:
    """Whether there are class logits."""
    return "class_logits" in answers_of(subject)


def provides_embedding(subject: Subject) -> bool:
    """Whether there are embeddings and the proxies of their classes."""
    return {"embedding", "proxies"} <= set(answers_of(subject))


def provides_features(subject: Subject) -> bool:
    """Whether there are features."""
    return "features[0]" in answers_of(subject)


def multiple_outputs(subject: Subject) -> bool:
    """Whether there are further logits."""
    return "extra_logits[0]" in answers_of(subject)


def groups_of_four(subject: Subject) -> bool:
    """Whether six samples are refused."""
    one = trial(subject, n=6)
    try:
        one.answers()
    except ConfigError:
        return True
    return False


def energy(subject: Subject) -> bool:
    """Whether logits are never above 0, whatever the weights."""
    one = trial(subject)
    one.set_mode(training=False)
    for seed in range(32):
        fill_normal(one.network, scale=1.0, seed=seed)
        with torch.no_grad():
            if (one.answers()["logits"] > 0).any():
                return False
    return True


MEASURES: Mapping[str, Callable[[Subject], bool]] = {
    **tags.MEASURES,
    "signal": signal,
    "volume": volume,
    "patch": patch,
    "groups_of_four": groups_of_four,
    "provides_class_logits": provides_class_logits,
    "provides_embedding": provides_embedding,
    "provides_features": provides_features,
    "multiple_outputs": multiple_outputs,
    "energy": energy,
}
