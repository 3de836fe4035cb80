"""What is given on the command line is converted where there is something to convert.

typer converts with pydantic, all of which it imports for every parameter, given or not: a quarter of ``ganzoo list``.
"""

from __future__ import annotations

from typing import Any


class WhereNeeded:
    """Stands for typer's conversion of one parameter, which it asks for when there is a value other than a word."""

    def __init__(self, param: Any) -> None:
        self._typers = param.get_runtime_param
        self._several = param.multiple or param.nargs == -1
        self._word = param.type_descriptor.annotation is str and param.nargs == 1

    def coerce(self, value: Any, **context: Any) -> Any:
        """What the command gets: nothing and words are what they are."""
        if value is None:
            return () if self._several else None
        if self._word and isinstance(value, str):
            return value
        return self._typers().coerce(value, **context)


def convert_where_needed(param: Any) -> None:
    """Let a parameter be converted so; versions of typer that convert without pydantic are left alone."""
    if hasattr(param, "get_runtime_param") and "get_runtime_param" not in vars(param):
        instead = WhereNeeded(param)
        param.get_runtime_param = lambda: instead
