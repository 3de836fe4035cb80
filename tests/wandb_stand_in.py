"""Stands in for the library ``wandb`` where it is not installed: takes the same calls, and writes them down.

What the real one was seen to refuse is refused here: steps that go back, and anything after the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

runs: list[Run] = []
"""Every run that was started, the newest last."""


class Image:
    """A picture by its path, read at once."""

    def __init__(self, path: str) -> None:
        self.content = Path(path).read_bytes()


class Run:
    """What was said of a run."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.arguments = dict(arguments)
        self.history: dict[int, dict[str, Any]] = {}
        self.summary: dict[str, Any] = {}
        self.exit_code: int | None = None

    def log(self, data: dict[str, Any], *, step: int) -> None:
        """Add to the numbers of a step."""
        if self.exit_code is not None or step < max(self.history, default=0):
            raise ValueError(f"too late for step {step}")
        self.history.setdefault(step, {}).update(data)

    def finish(self, exit_code: int) -> None:
        """The end."""
        self.exit_code = exit_code


def init(*, mode: str, **arguments: Any) -> Run:
    """Start a run, with a folder of its own in ``dir``."""
    (Path(arguments.pop("dir")) / "wandb" / f"{mode}-run-stand-in").mkdir(parents=True)
    runs.append(Run(arguments))
    return runs[-1]
