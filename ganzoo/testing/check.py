"""What a check is: a name, a sentence of the documentation that it holds a component to, and a function.

Most are made by :func:`check` above the function. The list of a kind is in ``checks.py`` of its folder: the modules
whose checks it has, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.testing.subject import Subject

Run = Callable[["Subject"], None]
"""Raises :class:`Failed`, or whatever the component raises, if the sentence does not hold."""

HANDED_ON = {"ganzoo.options": "ganzoo.component"}
"""Where a class is written → where plugins import it from, by which it is cited."""


class Failed(AssertionError):
    """A component does not keep to a sentence of its protocol; the message says what was found."""


def demand(holds: object, message: str) -> None:
    """Raise :class:`Failed` with ``message`` unless ``holds``."""
    if not holds:
        raise Failed(message)


def always(subject: Subject) -> str | None:
    """The answer of a check that is never skipped."""
    return None


class NotHere(str):
    """A reason to skip that lies with this machine, and not with the component."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that is true of every component of a kind.

    Attributes:
        name: words joined by ``-``; unique within a kind.
        run: does it; what it raises is the finding.
        cites: the object whose docstring holds ``sentence``, as ``module:Name``.
        sentence: word for word.
        skip: says why the check does not apply to a component, or ``None``. Asked before the check runs, so that what
            is skipped never depends on how a check went.
        meaning: what the component is asked, where ``sentence`` speaks of many checks at once.
        every_choice: run it for each choice of the options, and not for the given ones alone.
    """

    name: str
    run: Run
    cites: str
    sentence: str
    skip: Callable[[Subject], str | None] = always
    every_choice: bool = False
    meaning: str = ""


def check(
    name: str,
    cited: Callable[..., object],
    sentence: str,
    *,
    skip: Callable[[Subject], str | None] = always,
    every_choice: bool = False,
) -> Callable[[Run], Check]:
    """Make a check of the function below it; the module-level name then is the check.

    Args:
        name: as of :class:`Check`.
        cited: the class or method whose docstring holds ``sentence``.
        sentence: word for word.
        skip: as of :class:`Check`.
        every_choice: as of :class:`Check`.
    """

    def made(run: Run) -> Check:
        return Check(
            name=name,
            run=run,
            cites=f"{HANDED_ON.get(cited.__module__, cited.__module__)}:{cited.__qualname__}",
            sentence=sentence,
            skip=skip,
            every_choice=every_choice,
        )

    return made


def checks_of(*modules: ModuleType) -> Iterator[Check]:
    """The checks that modules define, module by module, each from top to bottom."""
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Check) and value.run.__module__ == module.__name__:
                yield value


@dataclass(frozen=True)
class Checked:
    """The checks of a kind, in order, and how many of them must apply to a component."""

    checks: tuple[Check, ...]
    at_least: int
