"""The leaderboard as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganzoo import files
from ganzoo.evaluation.value import range_in_words
from ganzoo.studies.comparison import Comparison
from ganzoo.studies.leaderboard import leaderboard

ROUNDING = 1e-9
"""An interval is cut off if its middle is farther from the mean than this share of its half."""


def write_leaderboard(comparison: Comparison) -> dict[str, Any]:
    """Write ``leaderboard.json``, ``.csv`` and ``.md`` from what is on disk; returns the content of the first."""
    content = leaderboard(comparison)
    files.write_text(comparison.path / "leaderboard.json", json.dumps(content, indent=2) + "\n")
    files.write_text(comparison.path / "leaderboard.csv", as_csv(content))
    files.write_text(comparison.path / "leaderboard.md", as_markdown(content))
    return content


def as_csv(content: Mapping[str, Any]) -> str:
    """A row for each number of each run, final and best, for other programs to analyze."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    axes = list(content["cells"][0]["parts"])
    table.writerow(
        ["cell", *axes, "seed", "status", "reason", "steps", "images", "seconds", "label", "value", "best", "best_step"]
    )
    for cell in content["cells"]:
        parts = [_plain(cell["parts"][axis]) for axis in axes]
        if not cell["seeds"]:
            table.writerow([cell["name"], *parts, "", cell["status"], cell["reason"], *[""] * 7])
        for seed in cell["seeds"]:
            head = [seed["seed"], seed["status"], seed["reason"], seed["steps"], seed["images"], seed["seconds"]]
            for value in seed["values"] or [{"label": "", "value": ""}]:
                best = seed["best"].get(value["label"], {"value": "", "step": ""})
                table.writerow(
                    [cell["name"], *parts, *head, value["label"], value["value"], best["value"], best["step"]]
                )
    return out.getvalue()


def as_markdown(content: Mapping[str, Any]) -> str:
    """The table of the cells, with what to know about it."""
    labels = content["metrics"]
    columns = [
        "cell",
        "seeds",
        *(column for label in labels for column in (f"{label}, mean ± 95 %", "best over steps")),
    ]
    lines = [f"# {content['name']}", "", content["verdict"], "", f"Budget: {content['budget']['words']}.", ""]
    lines += [f"| {' | '.join(map(_escaped, columns))} |", f"|{'---|' * len(columns)}"]
    for cell in content["cells"]:
        numbers = [text for label in labels for text in (mean(cell, label), best(cell, label))]
        lines.append(f"| {' | '.join(map(_escaped, [cell['name'], seeds(cell), *numbers]))} |")
    lines += ["", *(f"{_escaped(note)}\n" for note in notes(content))]
    return "\n".join(lines)


def mean(cell: Mapping[str, Any], label: str) -> str:
    """``1.234 ± 0.056``; no interval of one seed; both ends, ``0.95 (0.8 to 1)``, of one that is cut off."""
    if label not in cell["mean"]:
        return ""
    middle, ends = cell["mean"][label], cell["interval"][label]
    if ends is None:
        return f"{middle:.4g}"
    half = max(middle - ends[0], ends[1] - middle)
    if abs((ends[0] + ends[1]) / 2 - middle) > ROUNDING * half:
        return f"{middle:.4g} ({ends[0]:.2g} to {ends[1]:.2g})"
    return f"{middle:.4g} ± {half:.2g}"


def best(cell: Mapping[str, Any], label: str) -> str:
    """The mean over seeds of the best number of each."""
    return f"{cell['best'][label]:.4g}" if label in cell["best"] else ""


def seeds(cell: Mapping[str, Any]) -> str:
    """``3``, ``2 of 3`` or ``refused``."""
    if cell["status"] == "refused":
        return "refused"
    finished = sum(seed["status"] == "finished" for seed in cell["seeds"])
    return str(finished) if finished == len(cell["seeds"]) else f"{finished} of {len(cell['seeds'])}"


def notes(content: Mapping[str, Any]) -> Iterator[str]:
    """What is to be known beside the numbers: what they are, who can be told apart and who not, and what went wrong."""
    yield (
        "Each value is that of the last step; its interval is Student's over seeds. The best over steps is chosen by "
        "the metric itself, so it is optimistic, and it ranks nothing."
    )
    if content["ranges"]:
        told = "; ".join(f"{label} {range_in_words(ends)}" for label, ends in content["ranges"].items())
        yield f"Intervals are cut off at the ends of what a number can be: {told}."
    for label in content["metrics"]:
        if apart := _pairs(content["distinguishable"], label):
            yield f"Told apart by {label}: {apart}."
        if alike := _pairs(content["indistinguishable"], label):
            yield f"Not distinguishable by {label} at this number of seeds: {alike}."
    if content["distinguishable"] or content["indistinguishable"]:
        yield f"{content['test']}."
    for cell in content["cells"]:
        if cell["status"] == "refused":
            yield f"{cell['name']} is refused: {cell['reason']}"
        for seed in cell["seeds"]:
            if seed["reason"]:
                yield f"{cell['name']}, seed {seed['seed']}: {seed['status']}: {seed['reason']}"


def _pairs(pairs: Sequence[Mapping[str, Any]], label: str) -> str:
    """The pairs of one number, each with its p."""
    return "; ".join(" and ".join(pair["cells"]) + _p(pair["p"]) for pair in pairs if pair["label"] == label)


def _p(p: float | None) -> str:
    return " (no test: fewer than two seeds, or none that vary)" if p is None else f" (p = {p:.2g})"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
