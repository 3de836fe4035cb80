"""true and false are not numbers: pydantic would read them as 1 and 0, and a run would train at a rate of 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidatorFunctionWrapHandler, field_validator


class NoTruthAsNumber(BaseModel):
    """A model none of whose numbers, at any depth, may be given as true or false."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _no_truth_as_number(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        read = handler(value)
        if _differs(value, read):
            raise ValueError("must be a number; true and false (in YAML also on, off, yes and no) are not numbers")
        return read


def _differs(given: Any, read: Any) -> bool:
    """Whether a truth value anywhere in ``given`` became a number in ``read``."""
    if isinstance(given, bool):
        return isinstance(read, int | float) and not isinstance(read, bool)
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        return any(_differs(value, read.get(key)) for key, value in given.items())
    if _is_list(given) and _is_list(read) and len(given) == len(read):
        return any(_differs(*pair) for pair in zip(given, read, strict=True))
    return False


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
