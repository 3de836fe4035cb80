"""A run for trackers to follow, whose numbers are made up."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ganzoo.config.schema import RunConfig
from ganzoo.evaluation import pictures
from ganzoo.protocols import TrackedRun
from ganzoo.runs.directory import RunDirectory
from ganzoo.testing.subject import Subject

EVERY = 5
"""Steps between rows."""


class Followed:
    """A run that a tracker follows: its folder is real, and its numbers are made up.

    Args:
        folder: where its folder of runs is made.
    """

    def __init__(self, folder: Path) -> None:
        self.directory = RunDirectory.create(folder / "runs", "hinge-patchgan-sn-digits")
        self.config = RunConfig().model_dump(mode="json")
        self.directory.config.write_text("version: 1\n", encoding="utf-8")
        self.directory.metrics.touch()

    def start(self, subject: Subject, *, step: int = 0) -> Any:
        """What the tracker's options start, for a run that goes on after ``step``."""
        options: Any = subject.chosen
        path = self.directory.path
        return options.start(TrackedRun(path=path, name=path.name, config=self.config, step=step))

    def tell(self, tracker: Any, *, first: int, last: int) -> None:
        """Rows from ``first`` to ``last``, and a picture of the last, as a run writes and tells them."""
        for step in range(first, last + 1, EVERY):
            row = self.row(step)
            with self.directory.metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            tracker.log(row)
        tracker.picture(last, self.picture(last))

    def row(self, step: int) -> dict[str, float]:
        """A row of ``metrics.jsonl``."""
        return {"step": step, "d_step": step, "images": 64 * step, "loss/d": 1.5, "metric/mode-coverage/modes": 8.0}

    def picture(self, step: int) -> Path:
        """A grid of samples that was just written."""
        path = self.directory.samples / f"step-{step:07d}.png"
        noise = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(step))
        pictures.save(pictures.grid((255 * noise).to(torch.uint8), 4), path)
        return path


@contextlib.contextmanager
def new_run() -> Iterator[Followed]:
    """A run of which nothing is written yet."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        yield Followed(Path(scratch))
