"""``leaderboard.json`` of a comparison, as far as a report shows it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import ConfigError
from ganzoo.evaluation.value import range_in_words
from ganzoo.regular import regular_text

LEADERBOARD = "leaderboard.json"
OPEN = ("waiting", "interrupted", "running")


@dataclass(frozen=True, kw_only=True)
class SeedOutcome:
    """One run of a cell: what became of it, and its numbers by label."""

    seed: int
    status: str
    reason: str | None
    run: str | None
    seconds: float | None
    steps: int | None
    values: Mapping[str, float]
    floors: Mapping[str, float]
    best: Mapping[str, tuple[int | None, float]]


@dataclass(frozen=True, kw_only=True)
class BoardCell:
    """One combination of parts, over all its seeds.

    Attributes:
        name: as ``hinge + patchgan-sn``.
        status: complete, partial, failed or refused.
        reason: why it is refused.
        seeds: its runs.
        mean: label → mean over the seeds.
        interval: label → its 95 % interval.
    """

    name: str
    status: str
    reason: str | None
    seeds: tuple[SeedOutcome, ...]
    mean: Mapping[str, float]
    interval: Mapping[str, tuple[float, float]]

    def best(self, label: str) -> float | None:
        """The mean over seeds of the best step of each; beside the last one, never in its place."""
        found = [seed.best[label][1] for seed in self.seeds if label in seed.best]
        return sum(found) / len(found) if found else None

    @property
    def finished(self) -> int:
        """Seeds with numbers."""
        return sum(bool(seed.values) for seed in self.seeds)

    @property
    def seconds(self) -> float | None:
        """Mean time of the seeds with numbers."""
        found = [seed.seconds for seed in self.seeds if seed.values and seed.seconds is not None]
        return sum(found) / len(found) if found else None

    @property
    def steps(self) -> float | None:
        """Mean steps of the seeds with numbers."""
        found = [seed.steps for seed in self.seeds if seed.values and seed.steps is not None]
        return sum(found) / len(found) if found else None

    @property
    def waiting(self) -> int:
        """Seeds that are not done yet."""
        return sum(seed.status in OPEN for seed in self.seeds)

    def reasons(self) -> list[str]:
        """Why seeds have no numbers: each reason once, with its seeds."""
        told: dict[str, list[str]] = {}
        for seed in self.seeds:
            if seed.reason:
                told.setdefault(f"{seed.status}: {seed.reason}", []).append(str(seed.seed))
        own = [self.reason] if self.reason else []
        return own + [
            f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)} {reason}" for reason, seeds in told.items()
        ]


@dataclass(frozen=True, kw_only=True)
class CellPair:
    """Two cells and how likely it is, corrected, that chance alone makes such a difference; ``None`` without a test."""

    cells: tuple[str, str]
    label: str
    p: float | None


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """A comparison: its cells from the best to the worst, then those without numbers.

    ``ranges`` says of labels what their numbers can be, ``unranked`` why cells cannot be
    compared in them, ``test`` how differences were tested.
    """

    name: str
    data: Mapping[str, Any]
    budget: str
    labels: tuple[str, ...]
    better: Mapping[str, str]
    cells: tuple[BoardCell, ...]
    ranges: Mapping[str, str]
    distinguishable: tuple[CellPair, ...]
    indistinguishable: tuple[CellPair, ...]
    unranked: Mapping[str, str]
    test: str
    verdict: str

    @property
    def ranking(self) -> str | None:
        """The label that ranks."""
        return self.labels[0] if self.labels else None


def read_leaderboard(folder: Path) -> Leaderboard:
    """The leaderboard of a comparison.

    Raises:
        ConfigError: the file cannot be read, or is not one.
    """
    path = folder / LEADERBOARD
    try:
        return _leaderboard(json.loads(regular_text(path)), folder.name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ConfigError(
            f"{path} is not the leaderboard of a comparison",
            given=f"{type(error).__name__}: {error}",
            hint="ganzoo report --help",
        ) from error


def _leaderboard(content: Mapping[str, Any], name: str) -> Leaderboard:
    labels, told = tuple(map(str, content.get("metrics", ()))), dict(content.get("better", {}))
    better = {label: str(told.get(label) or "") for label in labels}
    cells = [_cell(one) for one in content["cells"]]
    return Leaderboard(
        name=str(content.get("name") or name),
        data={str(key): one for key, one in (content.get("data") or {}).items() if one not in (None, "", [], {})},
        budget=str((content.get("budget") or {}).get("words", "")),
        labels=labels,
        better=better,
        cells=tuple(_ranked(cells, labels, better)),
        ranges=_ranges(content),
        distinguishable=_pairs(content, "distinguishable"),
        indistinguishable=_pairs(content, "indistinguishable"),
        unranked={str(label): str(why) for label, why in (content.get("unranked") or {}).items()},
        test=str(content.get("test") or ""),
        verdict=str(content.get("verdict") or ""),
    )


def _ranges(content: Mapping[str, Any]) -> dict[str, str]:
    """Label → its range in words."""
    found = (content.get("ranges") or {}).items()
    return {str(label): range_in_words((_number(ends[0]), _number(ends[1]))) for label, ends in found}


def _number(given: Any) -> float | None:
    """A number, where there is one."""
    return None if given is None else float(given)


def _pairs(content: Mapping[str, Any], which: str) -> tuple[CellPair, ...]:
    return tuple(
        CellPair(cells=(str(one["cells"][0]), str(one["cells"][1])), label=str(one["label"]), p=_number(one.get("p")))
        for one in content.get(which, ())
    )


def _ranked(cells: Sequence[BoardCell], labels: Sequence[str], better: Mapping[str, str]) -> list[BoardCell]:
    if not labels:
        return list(cells)
    sign = -1 if better.get(labels[0]) == "higher" else 1
    return sorted(cells, key=lambda cell: sign * cell.mean.get(labels[0], sign * math.inf))


def _cell(content: Mapping[str, Any]) -> BoardCell:
    return BoardCell(
        name=str(content["name"]),
        status=str(content.get("status", "")),
        reason=None if content.get("reason") is None else str(content["reason"]),
        seeds=tuple(_seed(one) for one in content.get("seeds", ())),
        mean=_finite(content.get("mean") or {}),
        interval={
            str(label): (float(ends[0]), float(ends[1]))
            for label, ends in (content.get("interval") or {}).items()
            if ends is not None and all(end is not None and math.isfinite(end) for end in ends)
        },
    )


def _seed(content: Mapping[str, Any]) -> SeedOutcome:
    values = list(content.get("values") or ())
    return SeedOutcome(
        seed=int(content.get("seed", 0)),
        status=str(content.get("status", "")),
        reason=None if content.get("reason") is None else str(content["reason"]),
        run=None if content.get("run") is None else str(content["run"]),
        seconds=_number(content.get("seconds")),
        steps=None if content.get("steps") is None else int(content["steps"]),
        values=_finite({row["label"]: row["value"] for row in values}),
        floors=_finite({row["label"]: row.get("floor") for row in values}),
        best={str(label): (one.get("step"), float(one["value"])) for label, one in (content.get("best") or {}).items()},
    )


def _finite(numbers: Mapping[str, Any]) -> dict[str, float]:
    return {str(label): float(one) for label, one in numbers.items() if one is not None and math.isfinite(one)}
