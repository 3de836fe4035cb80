"""Pydantic's types of errors in plain words: a table, so that none reaches a user as pydantic puts it."""

from __future__ import annotations

from pydantic_core import ErrorDetails

REASONS: dict[str, str] = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping, such as {{weight: 1}}",
    "extra_forbidden": "unknown key",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be greater than or equal to {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number with fewer digits",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be less than or equal to {le}",
    "list_type": "must be a list in brackets",
    "literal_error": "must be {expected}",
    "missing": "a value is required",
    "model_attributes_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "multiple_of": "must be a multiple of {multiple_of}",
    "path_type": "must be a path",
    "string_too_short": "must not be empty",
    "string_unicode": "must be text in UTF-8",
    "string_type": "must be text",
    "too_long": "has more than {max_length} items",
    "too_short": "has too few items: at least {min_length}",
    "tuple_type": "must be a list in brackets",
    "value_error": "{error}",
}
"""Type of error → what is said; in braces what pydantic knows of the bound that was broken."""


def reason(item: ErrorDetails) -> str:
    """What is wrong with a value. Types that only a plugin's own fields produce are told in pydantic's words."""
    known = REASONS.get(item["type"])
    if known is None:
        return item["msg"].replace("Input should ", "must ", 1)
    bounds = {key: _plain(value) for key, value in item.get("ctx", {}).items()}
    return known.format(**bounds)


def _plain(value: object) -> object:
    """``0`` for 0.0, as people write bounds."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
