"""Event files for TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from pydantic import Field
from torch.utils.tensorboard import SummaryWriter

from ganzoo.component import TrackerOptions
from ganzoo.protocols import Tracker

if TYPE_CHECKING:
    from ganzoo.protocols import TrackedRun


class Tensorboard(TrackerOptions):
    """Writes event files: a curve for each number in ``metrics.jsonl``, the sample grids, the configuration as text.

    ``tensorboard --logdir runs`` shows every run that has event files. Numbers in them are float32. A resumed run hides
    the steps that it repeats, so that none appears twice; event files are only ever added.

    Runs with the same name, from two folders of runs, must not be given the same ``folder``: TensorBoard would show
    them as one run.
    """

    folder: Path | None = Field(
        default=None,
        description="folder for event files, with a sub-folder named after the run; none = tensorboard/ in the run",
    )
    flush_secs: int = Field(default=30, ge=1, description="seconds after which new events are written to disk")

    def start(self, run: TrackedRun) -> TensorboardTracker:
        """The tracker, with the configuration written."""
        folder = run.path / "tensorboard" if self.folder is None else Path(os.path.expanduser(self.folder)) / run.name
        return TensorboardTracker(folder, run, flush_secs=self.flush_secs)


class TensorboardTracker(Tracker):
    """The writer behind :class:`Tensorboard`."""

    def __init__(self, folder: Path, run: TrackedRun, *, flush_secs: int) -> None:
        # A run that died before its first checkpoint starts again at 0, where it writes its first grid again.
        again_from = run.step + 1 if run.step else 0
        self._writer = SummaryWriter(folder, purge_step=again_from, flush_secs=flush_secs)
        self._step = run.step
        self._writer.add_text("config", _as_markdown(run.config), self._step)

    def log(self, row: Mapping[str, float]) -> None:
        """Add a point to the curve of each number."""
        self._step = int(row["step"])
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(name, value, self._step)

    def picture(self, step: int, path: Path) -> None:
        """Add the grid as an image."""
        with Image.open(path) as grid:
            self._writer.add_image("samples", np.asarray(grid.convert("RGB")), step, dataformats="HWC")

    def close(self, status: str) -> None:
        """Write the status as text, and everything to disk."""
        self._writer.add_text("status", status, self._step)
        self._writer.close()


def _as_markdown(config: Mapping[str, object]) -> str:
    """TensorBoard renders text as Markdown; indented lines are shown as they are."""
    return "".join(f"    {line}\n" for line in json.dumps(config, indent=2).splitlines())
