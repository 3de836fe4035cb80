"""A check of networks with other options than the chosen ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ganzoo.component import Options
from ganzoo.protocols import Network
from ganzoo.testing.check import Failed, check
from ganzoo.testing.networks.shapes import answers_if_taken
from ganzoo.testing.networks.trial import first_taken
from ganzoo.testing.options import for_any_options, no_hypothesis
from ganzoo.testing.subject import NARROW, Subject


@check(
    "options-build",
    Network,
    "Whatever options are allowed build a network that works, or are refused with a ConfigError.",
    skip=no_hypothesis,
)
def any_options_build(subject: Subject) -> None:
    """For data that the given options take; other options may refuse them."""
    spec = first_taken(subject)
    tried: list[Options] = []

    def builds(options: Options) -> None:
        other = replace(subject, options=_narrowed(options))
        if other.chosen in tried:
            return
        try:
            answers_if_taken(other, spec)
        except Failed as failed:
            raise Failed(f"with {other.options!r}: {failed}") from failed
        tried.append(other.chosen)

    for_any_options(subject, builds)


def _narrowed(options: Options) -> Options:
    """With nothing wider, and no list longer, than :data:`NARROW` has it; drawn ones may make a network slow."""
    values = dict(options)
    narrow = {name: _at_most(values[name], most) for name, most in NARROW.items() if name in values}
    try:
        return type(options).model_validate({**values, **narrow})
    except ValidationError:
        return options


def _at_most(value: Any, most: Any) -> Any:
    """The lesser of two numbers, the beginning of a list; an open number (``None``) becomes ``most``."""
    if isinstance(most, int):
        return min(value or most, most)
    return value[: len(most)] if isinstance(value, tuple | list) else value
