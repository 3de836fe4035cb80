"""What came of a run, in words first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ganzoo.health.signs import WINDOW
from ganzoo.health.verdict import Verdict
from ganzoo.report.measured import Measured, during_training
from ganzoo.report.words import count, duration, named, number
from ganzoo.runs.run import Run

Tone = Literal["good", "done", "note", "bad"]
"""``done`` says that something is over, and nothing about how good it is."""


@dataclass(frozen=True, kw_only=True)
class VerdictLine:
    """One thing that is said of a run. ``command`` is what to type next, if that helps."""

    tone: Tone
    text: str
    command: str | None = None


def verdict_of_run(
    run: Run, before: Mapping[str, Any], rows: Sequence[Mapping[str, float]], measured: Sequence[Measured]
) -> list[VerdictLine]:
    """How it ended, how good it is, what to bear in mind.

    Args:
        run: the run.
        before: its manifest.
        rows: of its ``metrics.jsonl``.
        measured: its evaluations.
    """
    return [
        _ending(run, before, rows),
        *_health(run.health(), rows),
        *_quality(run, measured, rows),
        *_warnings(before),
    ]


def _ending(run: Run, before: Mapping[str, Any], rows: Sequence[Mapping[str, float]]) -> VerdictLine:
    status, fault = _status(run, before), before.get("fault")
    last = rows[-1] if rows else {}
    step = max(int(before.get("step") or 0), int(last.get("step", 0)))
    steps = run.config.train.steps
    progress = f"{count(step)} of {count(steps)} steps" if steps else f"{count(step)} steps"
    seen = f" on {count(last['images'])} real images" if "images" in last else ""
    took = f" in {duration(_seconds(before))}" if before.get("ended") and not before.get("resumed") else ""
    resume = f"ganzoo resume {run.directory.word}"
    endings: Mapping[str, VerdictLine] = {
        "finished": VerdictLine(tone="done", text=f"The run finished {progress}{seen}{took}."),
        "running": VerdictLine(tone="note", text=f"The run is being trained: {progress} so far{seen}."),
        "killed": VerdictLine(tone="note", text=f"The run was killed after {progress}{seen}.", command=resume),
        "interrupted": VerdictLine(
            tone="note", text=f"The run was interrupted after {progress}{seen}.", command=resume
        ),
        "diverged": VerdictLine(
            tone="bad", text=f"The run diverged after {progress}: a number of the training was no longer finite."
        ),
    }
    said = endings.get(status, VerdictLine(tone="bad", text=f"The run stopped after {progress}. Its status: {status}."))
    if fault:
        return VerdictLine(tone=said.tone, text=f"{said.text} It reported: {fault}", command=said.command)
    return said


def _status(run: Run, before: Mapping[str, Any]) -> str:
    status = str(before.get("status", "unknown"))
    return "killed" if status == "running" and not run.directory.is_live() else status


def _seconds(before: Mapping[str, Any]) -> float | None:
    try:
        started, ended = (datetime.fromisoformat(before[key]) for key in ("started", "ended"))
    except (KeyError, TypeError, ValueError):
        return None
    return (ended - started).total_seconds()


def _health(found: Sequence[Verdict], rows: Sequence[Mapping[str, float]]) -> Iterator[VerdictLine]:
    """What went wrong in training; that nothing did is said only where there were rows enough to tell."""
    if not found and len(rows) >= WINDOW:
        yield VerdictLine(
            tone="good", text="The rows of the training show none of the signs that something went wrong."
        )
    for one in found:
        over = "" if one.until_step is None else f" until step {count(one.until_step)}"
        text = f"{one.name} from step {count(one.since_step)}{over}: {one.words} {one.evidence} {one.try_}."
        yield VerdictLine(tone="bad" if one.until_step is None else "note", text=text, command=one.command)


def _quality(run: Run, measured: Sequence[Measured], rows: Sequence[Mapping[str, float]]) -> Iterator[VerdictLine]:
    ranked = [one for one in measured if one.better is not None]
    if not ranked:
        evaluate = f"ganzoo evaluate {run.directory.word}"
        text = "How good the samples are has not been measured after the training."
        for name, step, value, of_real in during_training(rows)[:1]:
            real = "" if of_real is None else f" (real data in place of samples: {number(of_real)})"
            text += f" During it, {name} came to {number(value)} at step {count(step)}{real}."
        yield VerdictLine(tone="note", text=text, command=evaluate)
    for one in ranked:
        floor = "" if one.floor is None else f"; real data in place of samples come to {number(one.floor)}"
        text = f"{one.label} is {number(one.last)} at step {count(one.last_step)} ({one.better} is better{floor})."
        if one.best is not None and one.best != one.last:
            text += f" The best of the steps that were measured is {number(one.best)} at step {count(one.best_step)}."
        yield VerdictLine(tone="note", text=text)
    notes: dict[str, list[str]] = {}
    for one in measured:
        for note in one.warnings:
            notes.setdefault(note, []).append(one.label)
    for note, labels in notes.items():
        yield VerdictLine(tone="note", text=f"Bear in mind for {named(labels)}: {note}.")


def _warnings(before: Mapping[str, Any]) -> Iterator[VerdictLine]:
    if given := len(before.get("warnings", ())):
        yield VerdictLine(tone="note", text=f"{given} warning{'s were' if given > 1 else ' was'} given: see Warnings.")
    changed = sorted({key for one in before.get("resumed", ()) for key in one.get("changed", {})})
    if changed:
        said = f"It was resumed under other {named(changed)}: it does not equal an uninterrupted run bit by bit."
        yield VerdictLine(tone="note", text=said)
