"""Arguments that are easily swapped, which are taken by their names alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from ganzoo.errors import ConfigError

Self = TypeVar("Self")
P = ParamSpec("P")
Result = TypeVar("Result")


def by_name(
    usage: str, *, places: int = 0
) -> Callable[[Callable[Concatenate[Self, P], Result]], Callable[Concatenate[Self, P], Result]]:
    """A method that says how it is called where arguments come without their names.

    Args:
        usage: a call that works.
        places: how many arguments may come by their place.
    """

    def decorated(method: Callable[Concatenate[Self, P], Result]) -> Callable[Concatenate[Self, P], Result]:
        @wraps(method)
        def called(self: Self, /, *args: P.args, **named: P.kwargs) -> Result:
            if len(args) > places:
                raise ConfigError(
                    f"{method.__name__} takes real and fake data by name: a swap would not be seen",
                    given=f"{len(args)} arguments without a name",
                    allowed=usage,
                    hint=usage,
                )
            return method(self, *args, **named)

        return called

    return decorated
