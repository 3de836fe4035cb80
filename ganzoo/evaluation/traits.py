"""What a metric may say of itself beside what it has to: read, and checked, here alone."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ganzoo.errors import PluginError
from ganzoo.evaluation.value import Better, Range

SAMPLES = 2500
"""Drawn for a metric that does not say how many it wants."""
ALIKE = 0.85
"""Names as like as this are one name misspelt: ``spread`` and ``spreads`` have 0.92, ``better`` and ``setter`` 0.83."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """The optional attributes of a :class:`ganzoo.protocols.Metric`.

    Attributes:
        samples: how many generated samples it wants.
        fewest_samples: with fewer samples, or fewer real data, it has no number.
        balanced_samples: whether it wants equally many of each class.
        whole_reference: whether it wants all real data, not as many as are generated.
        spreads: number → the number that is its standard error.
        better: number → which direction is better; ``None`` if it ranks nothing.
        ranges: number → the least and the largest that it can be, as 0 and 1 of a share; ``None`` where there is no
            end.
    """

    samples: int = SAMPLES
    fewest_samples: int = 1
    balanced_samples: bool = False
    whole_reference: bool = False
    spreads: Mapping[str, str] = field(default_factory=dict)
    better: Mapping[str, Better | None] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)

    @classmethod
    def of(cls, metric: Any) -> Traits:
        """Those of a metric; what it does not say is as usual."""
        return cls(**{name: getattr(metric, name) for name in TRAITS if hasattr(metric, name)})


TRAITS = tuple(one.name for one in fields(Traits))
METHODS = ("warnings",)


def warnings_of(metric: Any, **sides: Any) -> tuple[str, ...]:
    """What a metric says is to be borne in mind with its numbers: ``real`` and ``fake`` by keyword."""
    return tuple(metric.warnings(**sides)) if hasattr(metric, "warnings") else ()


def check_traits(metric: Any, what: str) -> None:
    """Refuse a trait whose name is misspelt: it would be as if it were not there, and nobody would know.

    Options, names with ``_`` before them, and names beside the trait that they are like, are the author's own.

    Raises:
        PluginError: a name is nearly that of a trait.
    """
    own = {*getattr(type(metric), "model_fields", {})}
    given = {name for name in (*dir(type(metric)), *getattr(metric, "__dict__", {})) if not name.startswith("_")}
    missing = [name for name in (*TRAITS, *METHODS) if name not in given]
    for name in sorted(given - own):
        if meant := difflib.get_close_matches(name, missing, n=1, cutoff=ALIKE):
            raise PluginError(
                f"{what} has the attribute {name}, which nothing reads; did you mean {meant[0]!r}?",
                given=name,
                allowed=f"{', '.join((*TRAITS, *METHODS))}; _{name}; or a name that is like none of them",
            )
