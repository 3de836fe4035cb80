"""The leaderboard as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo import files
from ganzoo.studies.comparison import Comparison
from ganzoo.studies.leaderboard import leaderboard


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
    """``1.234 ± 0.056``; no interval of one seed."""
    if label not in cell["mean"]:
        return ""
    ends = cell["interval"][label]
    return f"{cell['mean'][label]:.4g}" + ("" if ends is None else f" ± {(ends[1] - ends[0]) / 2:.2g}")


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
    """What is to be known beside the numbers: what they are, who cannot be told apart, and what went wrong."""
    yield (
        "Each value is that of the last step; its interval is Student's over seeds. The best over steps is chosen by "
        "the metric itself, so it is optimistic, and it ranks nothing."
    )
    for label in content["metrics"]:
        alike = [pair for pair in content["indistinguishable"] if pair["label"] == label]
        if alike:
            told = "; ".join(" and ".join(pair["cells"]) + _p(pair["p"]) for pair in alike)
            yield f"Not distinguishable by {label} at this number of seeds: {told}. {content['test']}."
    for cell in content["cells"]:
        if cell["status"] == "refused":
            yield f"{cell['name']} is refused: {cell['reason']}"
        for seed in cell["seeds"]:
            if seed["reason"]:
                yield f"{cell['name']}, seed {seed['seed']}: {seed['status']}: {seed['reason']}"


def _p(p: float | None) -> str:
    return " (no test: fewer than two seeds, or none that vary)" if p is None else f" (p = {p:.2g})"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
