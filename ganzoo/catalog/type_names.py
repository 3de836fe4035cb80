"""JSON Schema in a few words, as a person reads it: ``int ≥ 1``, ``batch | instance``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "object": "mapping"}
_BOUNDS = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))


def type_name(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The type a schema describes. ``null`` is left out: the default says it where it matters.

    Args:
        schema: of one property.
        definitions: the ``$defs`` of the whole schema, for references.
    """
    if "$ref" in schema:
        return type_name(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"] if value is not None)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            members = [type_name(member, definitions) for member in schema[union] if member.get("type") != "null"]
            return " | ".join(dict.fromkeys(members))
    if schema.get("type") == "array":
        return _array(schema, definitions)
    name = "path" if schema.get("format") in ("path", "directory-path", "file-path") else None
    bounds = ", ".join(f"{sign} {_number(schema[key])}" for key, sign in _BOUNDS if key in schema)
    return f"{name or _NAMES.get(schema.get('type', ''), 'any')} {bounds}".strip()


def _array(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "prefixItems" in schema:
        return "[" + ", ".join(type_name(item, definitions) for item in schema["prefixItems"]) + "]"
    return f"list of {type_name(schema.get('items', {}), definitions)}"


def _number(value: float) -> str:
    return f"{value:g}"
