"""A measured value with all it depends on; only values of equal records are compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

Better = Literal["higher", "lower"]
Range = tuple[float | None, float | None]
"""The least and the largest that a number can be; ``None`` where there is no end."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a value depends on besides the generator. Two values may be ranked only if all of it is equal.

    Attributes:
        metric: name of the metric.
        options: of the metric, as plain data.
        extractor: name of the extractor, or ``None`` if the metric looks at the pictures themselves.
        extractor_digest: of its weights and preprocessing.
        resize: what the extractor does to the size of pictures.
        data: fingerprint of the real data.
        split: the split that they are of.
        shape: (C, H, W) or (D,) of real and generated data alike.
        n: generated samples.
        n_real: real ones that they are compared with.
        held_out: fingerprint of the held-out data, for a metric that needs them.
        ema: whether samples are those of the averaged generator; ``None`` for pictures from elsewhere.
        batch_norm: how the statistics of BatchNorm came about; ``None`` for pictures from elsewhere.
        truncation: ψ, or ``None``.
        ganzoo: version.
    """

    metric: str
    options: Mapping[str, Any]
    extractor: str | None = None
    extractor_digest: str | None = None
    resize: str | None = None
    data: str
    split: str
    shape: tuple[int, ...]
    n: int
    n_real: int
    held_out: str | None = None
    ema: bool | None = None
    batch_norm: str | None = None
    truncation: float | None = None
    ganzoo: str

    def differences(self, other: Record) -> dict[str, tuple[Any, Any]]:
        """What differs: name → (here, there). What is ``None`` in pictures from elsewhere differs from nothing."""
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        open_here = {"ema", "batch_norm", "truncation"} if None in (self.ema, other.ema) else set()
        return {
            name: (mine[name], theirs[name]) for name in mine if name not in open_here and mine[name] != theirs[name]
        }


def unlike(records: Sequence[tuple[str, Record]]) -> str | None:
    """Why values cannot be ranked together, given who has which record; ``None`` if they can."""
    # Pictures from elsewhere may be like two runs that are unlike each other, so they cannot stand for all.
    of_a_run = next((one for one in records if one[1].ema is not None), records[0])
    for first, record in (records[0], of_a_run):
        for name, other in records:
            if differences := record.differences(other):
                told = ", ".join(f"{what}: {here} and {there}" for what, (here, there) in differences.items())
                return f"values of {first} and {name} were not measured alike ({told})"
    return None


@dataclass(frozen=True, kw_only=True)
class Value:
    """One number of one metric.

    Attributes:
        key: what the metric calls the number, as in ``fd``.
        value: the number.
        better: which direction is better; ``None`` if the number ranks nothing.
        spread: its standard error, if the metric states one.
        range: the least and the largest that it can be, if the metric states them.
        floor: the same number for real data in place of generated ones: as good as it gets at this many samples,
            whichever direction is better.
        floor_of: which real data that was, and how many, as in ``test, 1,000``.
        record: what it depends on.
        warnings: what to bear in mind.
    """

    key: str
    value: float
    better: Better | None
    spread: float | None = None
    range: Range | None = None
    floor: float | None = None
    floor_of: str | None = None
    record: Record
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """``fd[efficientnet-lite0]@5000``: the number, by what, on how many samples."""
        return label_of(self.key, self.record.extractor, self.record.n)

    def row(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        content = dataclasses.asdict(self)
        content["record"]["shape"] = list(self.record.shape)
        content["warnings"] = list(self.warnings)
        content["range"] = None if self.range is None else list(self.range)
        return {"label": self.label, **content}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """From :meth:`row`; keys of later versions are left out."""
        known = {field.name for field in dataclasses.fields(Record)}
        record = {name: value for name, value in row["record"].items() if name in known}
        mine = {field.name for field in dataclasses.fields(cls)} - {"record", "warnings", "range"}
        ends = row.get("range")
        return cls(
            **{name: value for name, value in row.items() if name in mine},
            range=None if ends is None else (ends[0], ends[1]),
            record=Record(**{**record, "shape": tuple(record["shape"])}),
            warnings=tuple(row.get("warnings", ())),
        )


def range_in_words(ends: Range) -> str:
    """``from 0 to 1``, ``from 0``, ``to 1``."""
    words = [f"{word} {end:g}" for word, end in zip(("from", "to"), ends, strict=True) if end is not None]
    return " ".join(words) or "any number"


def label_of(key: str, extractor: str | None, n: int) -> str:
    """``fd[efficientnet-lite0]@5000``."""
    return f"{key}[{extractor}]@{n}" if extractor else f"{key}@{n}"
