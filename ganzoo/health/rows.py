"""Reading rows of ``metrics.jsonl``: what is finite under a name, and its middle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

Row = Mapping[str, float]


def column(rows: Sequence[Row], name: str) -> list[float]:
    """The finite values under a name, in order; rows without the name are left out."""
    return [row[name] for row in rows if name in row and math.isfinite(row[name])]


def middle(rows: Sequence[Row], name: str) -> float | None:
    """Their median; ``None`` if not even half of the rows have one."""
    found = column(rows, name)
    return median(found) if 2 * len(found) >= len(rows) > 0 else None


def gaps(rows: Sequence[Row]) -> list[float]:
    """Mean real logit minus mean fake logit of each row that has both."""
    return [
        row["logits/real"] - row["logits/fake"]
        for row in rows
        if math.isfinite(row.get("logits/real", math.nan)) and math.isfinite(row.get("logits/fake", math.nan))
    ]
