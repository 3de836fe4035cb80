"""What became of one run of a comparison, read off its folder: nothing else remembers what is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.evaluation.value import Value
from ganzoo.regular import regular_text
from ganzoo.runs import shapes
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.listing import run_number

EVALUATION = "evaluation.json"
"""What was measured at which steps, and what could not be: there once all of it is."""
FAILURE = "failure.json"
"""Why a run has no end of its own: it could not start, or its process was killed again and again."""


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What became of one run.

    Attributes:
        status: ``finished`` and measured; ``diverged``; ``failed``; ``interrupted``: it goes on; ``waiting``: it has
            not begun.
        reason: why it diverged or failed.
        exit_code: that of the error it failed with, where one is known.
        run: its folder, if there is one.
        seconds: of training.
        steps, images: so many were done.
        values: step → what was measured there; the last step is the final one.
    """

    status: str
    reason: str | None = None
    exit_code: int | None = None
    run: Path | None = None
    seconds: float | None = None
    steps: int | None = None
    images: int | None = None
    values: Mapping[int, tuple[Value, ...]]

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do. What failed is tried again when a comparison goes on."""
        return self.status in ("finished", "diverged")

    @property
    def final(self) -> tuple[Value, ...]:
        """The values at the last step; none where nothing could be measured there, whatever was before."""
        last = max(self.values, default=0) if self.steps is None else self.steps
        return self.values.get(last, ())

    def best(self, label: str) -> tuple[int, float] | None:
        """The step at which a number was best, and the number."""
        found = [
            (value.value if value.better == "lower" else -value.value, step, value.value)
            for step, values in self.values.items()
            for value in values
            if value.label == label and value.better is not None
        ]
        return min(found)[1:] if found else None


def run_in(place: Path) -> RunDirectory | None:
    """The run in its own folder of runs; one that was killed before it trained is none."""
    found = sorted((path for path in place.glob("*") if run_number(path)), key=run_number)
    begun = [RunDirectory(path) for path in found if (path / "config.yaml").exists()]
    return begun[-1] if begun else None


def outcome_of(place: Path) -> RunOutcome:
    """What became of the run in ``place``."""
    directory, failure = run_in(place), _json(place / FAILURE, {"reason": str, "exit_code": shapes.COUNT})
    measured = _json(place / EVALUATION, {"values": [shapes.EVALUATION], "failed": {...: str}})
    if directory is None:
        status = "failed" if failure else "waiting"
        return RunOutcome(status=status, reason=failure.get("reason"), exit_code=failure.get("exit_code"), values={})
    record, counters = directory.read_manifest(), _counters(directory)
    values = _values(measured.get("values", []))
    status, reason, exit_code = "interrupted", None, None
    if record.get("status") == "diverged":
        status, reason = "diverged", record.get("fault") or "a term or a gradient is no longer finite"
    elif failure:
        status, reason, exit_code = "failed", failure.get("reason"), failure.get("exit_code")
    elif record.get("status") == "finished" and measured:
        failed = "; ".join(f"{name}: {why}" for name, why in measured.get("failed", {}).items())
        status, reason = "finished", failed or None
    found = RunOutcome(
        status=status,
        reason=reason,
        exit_code=exit_code,
        run=directory.path,
        seconds=counters.get("seconds"),
        steps=counters.get("step", record.get("step")),
        images=counters.get("images"),
        values=values,
    )
    if status == "finished" and not found.final:
        return replace(found, status="failed", reason=reason or "nothing was measured at the last step")
    return found


def write_evaluation(place: Path, values: list[dict[str, Any]], failed: Mapping[str, str]) -> None:
    """Note what was measured, all at once."""
    files.write_text(place / EVALUATION, json.dumps({"values": values, "failed": dict(failed)}, indent=2) + "\n")


def write_failure(place: Path, reason: str, exit_code: int | None = None) -> None:
    """Note why a run has no end of its own, and the exit code of the error, if it was one."""
    files.write_text(place / FAILURE, json.dumps({"reason": reason, "exit_code": exit_code}, indent=2) + "\n")


def forget_failure(place: Path) -> None:
    """Let a run be tried again."""
    if outcome_of(place).status == "failed":
        (place / EVALUATION).unlink(missing_ok=True)
        (place / FAILURE).unlink(missing_ok=True)


def _values(rows: list[dict[str, Any]]) -> dict[int, tuple[Value, ...]]:
    found: dict[int, tuple[Value, ...]] = {}
    for row in rows:
        try:
            found[int(row["step"])] = (*found.get(row["step"], ()), Value.of_row(row))
        except (KeyError, TypeError):  # no row of an evaluation, as every field of one has a name
            return {}
    return dict(sorted(found.items()))


def _counters(directory: RunDirectory) -> dict[str, Any]:
    """The numbers of the newest checkpoint."""
    for folder in directory.checkpoint_folders():
        if counters := _json(folder / "state.json", {"step": int, "images": int, "seconds": (int, float)}):
            return counters
    return {}


def _json(path: Path, shape: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping in a file; nothing where it is missing, damaged, or of another shape."""
    try:
        content: dict[str, Any] = json.loads(regular_text(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if shapes.fits(content, shape) else {}
