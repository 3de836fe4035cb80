"""What tags of generators promise, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from ganzoo.testing.networks import tags
from ganzoo.testing.networks.trial import named, same, trial
from ganzoo.testing.subject import Subject


def provides_style(subject: Subject) -> bool:
    """Whether there are ``mapping`` and ``synthesis``; if so, they must make up ``forward``."""
    one = trial(subject)
    if not (hasattr(one.network, "mapping") and hasattr(one.network, "synthesis")):
        return False
    one.set_mode(training=False)
    with torch.no_grad():
        made = one.network.synthesis(one.network.mapping(one.given, one.labels))
        same(one.answers(), named("generator", made), "by synthesis(mapping(z, labels))")
    return True


MEASURES: Mapping[str, Callable[[Subject], bool]] = {**tags.MEASURES, "provides_style": provides_style}
