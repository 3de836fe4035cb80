"""The checks of discriminators and of generators, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ganzoo.testing.check import Check, Checked, checks_of
from ganzoo.testing.networks import (
    any_options,
    discriminator,
    execution,
    finite,
    generator,
    gradients,
    inputs,
    protocol,
    receptive_field,
    shapes,
    state,
)
from ganzoo.testing.networks.finite import gives_nothing_finite
from ganzoo.testing.networks.trial import takes_nothing
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.subject import Subject
from ganzoo.testing.tags import tag_checks

NETWORK_CHECKS = tuple(checks_of(shapes, finite, gradients, state, execution, inputs, any_options))
"""Of both kinds."""


def where_anything_is_taken(*checks: Check) -> Iterator[Check]:
    """The same checks, but skipped where no usual data are taken, or nothing finite is given: one check says so.

    Those are ``shapes`` and ``finite``; shapes are right or wrong whatever the numbers.
    """
    for one in checks:
        if one.name == "finite":
            yield replace(one, skip=lambda subject: subject.once(takes_nothing))
        elif one.name in ("shapes", "protocol"):
            yield one if one.name == "shapes" else replace(one, skip=_nothing_taken_or(one.skip))
        else:
            yield replace(one, skip=_nothing_taken_or(_nothing_finite_or(one.skip)))


def _nothing_taken_or(skip: Callable[[Subject], str | None]) -> Callable[[Subject], str | None]:
    def skipped(subject: Subject) -> str | None:
        return subject.once(takes_nothing) or skip(subject)

    return skipped


def _nothing_finite_or(skip: Callable[[Subject], str | None]) -> Callable[[Subject], str | None]:
    def skipped(subject: Subject) -> str | None:
        return skip(subject) or subject.once(gives_nothing_finite)

    return skipped


DISCRIMINATORS = Checked(
    (
        *OPTIONS_CHECKS,
        *where_anything_is_taken(
            protocol.is_a_discriminator,
            *NETWORK_CHECKS,
            *checks_of(discriminator, receptive_field),
            *tag_checks("discriminator"),
        ),
    ),
    at_least=38,
)

GENERATORS = Checked(
    (
        *OPTIONS_CHECKS,
        *where_anything_is_taken(
            protocol.is_a_generator,
            *NETWORK_CHECKS,
            *checks_of(generator),
            *tag_checks("generator"),
        ),
    ),
    at_least=31,
)
