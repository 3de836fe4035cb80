"""What files of a run hold, as shapes of JSON: a stranger's may hold anything, and readers rely on this.

A shape is a type, or a tuple of them; ``[shape]`` is a list of such values, ``{key: shape}`` a mapping in which each of
these keys may be missing and others may occur, and ``{...: shape}`` one whose values are all alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 2**63
"""No count that a run writes comes near; larger ones have no place in a float, or in a tensor."""
NOTHING = type(None)
TEXT, COUNT, NUMBER = (str, NOTHING), (int, NOTHING), (int, float, NOTHING)
MANIFEST: Mapping[str, Any] = {
    "status": TEXT,
    "step": COUNT,
    "started": TEXT,
    "ended": TEXT,
    "fault": TEXT,
    "device": TEXT,
    "threads": COUNT,
    "seed": COUNT,
    "config_hash": TEXT,
    "passes": TEXT,
    "versions": {...: TEXT},
    "plugins": {...: TEXT},
    "requirements": {...: TEXT},
    "components": {...: TEXT},
    "parameters": {...: int},
    "origins": {...: TEXT},
    "warnings": [str],
    "ancestry": [{...: (str, int, NOTHING, list, dict)}],
    "resumed": [{"at": TEXT, "step": COUNT, "config_hash": TEXT, "changed": {...: {}}}],
    "data": {
        "fingerprint": TEXT,
        "images": COUNT,
        "shape": [int],
        "classes": [str],
        "marginal": [(int, float)],
        "conditional": bool,
    },
}
EVALUATION: Mapping[str, Any] = {
    "label": str,
    "key": TEXT,
    "value": (int, float),
    "better": TEXT,
    "spread": NUMBER,
    "floor": NUMBER,
    "floor_of": TEXT,
    "step": COUNT,
    "seed": COUNT,
    "record": {},
    "warnings": [str],
}
"""A row of ``evaluations.jsonl``, and of what a comparison measured."""


def fits(content: Any, shape: Any) -> bool:
    """Whether a value of JSON has a shape. Truth is no number, and a number beyond :data:`LARGEST` is none either."""
    if isinstance(shape, list):
        return isinstance(content, list) and all(fits(one, shape[0]) for one in content)
    if isinstance(shape, Mapping):
        if not isinstance(content, dict):
            return False
        alike = shape.get(...)
        if alike is not None:
            return all(fits(one, alike) for one in content.values())
        return all(fits(content[key], inner) for key, inner in shape.items() if key in content)
    if isinstance(content, bool):
        return bool in (shape if isinstance(shape, tuple) else (shape,))
    return isinstance(content, shape) and not (isinstance(content, int) and abs(content) > LARGEST)
