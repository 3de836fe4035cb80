"""What a command line gives to each option, before it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def values_given(params: Sequence[Any], arguments: Sequence[str]) -> Iterator[tuple[Any, str, str]]:
    """Each option that takes a value, as it was written, and its value: ``--steps 3`` and ``--steps=3`` alike."""
    takers = {name: param for param in params for name in param.opts if _takes_a_value(param, name)}
    words = iter(arguments)
    for word in words:
        if word == "--":
            return
        name, attached, value = word.partition("=")
        if name in takers and (attached or (value := next(words, ""))):
            yield takers[name], name, value


def _takes_a_value(param: Any, name: str) -> bool:
    return name.startswith("-") and not getattr(param, "is_flag", False)
