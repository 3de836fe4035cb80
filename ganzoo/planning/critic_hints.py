"""Hints of parts in the words of :class:`ganzoo.Adversary`, which has two calls and no generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ganzoo.errors import GanzooError

FORMS = (
    ("to discriminator_terms", "to update"),
    ("to generator_terms", "to generator_loss"),
    ("pass generator= here and z= in each step, or leave the regularizer out", "leave the regularizer out"),
    ('regularizers={"consistency": {"variant": "zcr"}}', "leave consistency out"),
    (
        'ganzoo.build("discriminator", "dcgan", spec=spec) for images',
        'let the forward of your critic return (logits, [features]), take ganzoo.build("discriminator", "dcgan", '
        "spec=spec) for images",
    ),
)
"""What a hint says to whoever calls a step → what does the same for critics."""
MATCHING = 'regularizers={"feature-matching": {"pair": "batch"}}', 'feature_matching={"pair": "batch"}'
"""Where feature matching was given as an argument of its own."""


@contextmanager
def hints_of_generator_loss() -> Iterator[None]:
    """Errors of the block have hints that speak of the generator's loss, where that of critics is another."""
    try:
        yield
    except GanzooError as error:
        error.hint = None if error.hint is None else error.hint.replace("loss=", "generator_loss=")
        raise


@contextmanager
def hints_for_critics(*, matching: bool) -> Iterator[None]:
    """Errors of the block have hints for an Adversary.

    Args:
        matching: whether it was given ``feature_matching``.
    """
    try:
        yield
    except GanzooError as error:
        for said, written in (*FORMS, *([MATCHING] if matching else [])):
            error.hint = None if error.hint is None else error.hint.replace(said, written)
        raise
