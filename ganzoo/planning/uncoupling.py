"""Which options of a discriminator take the samples of a batch apart: found by trying them."""

from __future__ import annotations

from itertools import combinations

from pydantic import ValidationError

from ganzoo.component import Options
from ganzoo.planning.facts import BATCH_COUPLED

CHOICES = (("minibatch", "none"), ("norm", "instance"), ("norm", "none"))
"""Options that discriminators with coupled samples usually have, and the value that ends it."""


def uncoupling(options: Options) -> str:
    """The fewest ``--set`` after which samples are not coupled; empty where these options have none such."""
    known = [(name, value) for name, value in CHOICES if name in type(options).model_fields]
    for count in (1, 2):
        for chosen in combinations(known, count):
            try:
                changed = type(options).model_validate({**dict(options), **dict(chosen)})
            except ValidationError:
                continue
            if not changed.tags() & BATCH_COUPLED:
                return " ".join(f"--set discriminator.{name}={value}" for name, value in chosen)
    return ""
