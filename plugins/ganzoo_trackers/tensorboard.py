"""Event files that TensorBoard shows."""

from __future__ import annotations

import json
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
    """Writes event files: a curve for each number of ``metrics.jsonl``, the sample grids, the configuration as text.

    ``tensorboard --logdir runs`` shows every run that has some. Numbers are float32 there. A resumed run hides the
    steps that it does again, so that none appears twice; event files are only ever added.

    Runs of one name, from two folders of runs, must not be given the same ``folder``: they would be shown as one.
    """

    folder: Path | None = Field(
        default=None, description="where event files go, in a folder of the run's name; none = tensorboard/ in the run"
    )
    flush_secs: int = Field(default=30, ge=1, description="seconds after which what was written is on disk")

    def start(self, run: TrackedRun) -> TensorboardTracker:
        """The tracker, with the configuration written."""
        folder = run.path / "tensorboard" if self.folder is None else self.folder.expanduser() / run.name
        return TensorboardTracker(folder, run, flush_secs=self.flush_secs)


class TensorboardTracker(Tracker):
    """The writer behind :class:`Tensorboard`."""

    def __init__(self, folder: Path, run: TrackedRun, *, flush_secs: int) -> None:
        # A run that died before its first checkpoint starts again at 0, where it draws its first grid once more.
        again_from = run.step + 1 if run.step else 0
        self._writer = SummaryWriter(folder, purge_step=again_from, flush_secs=flush_secs)
        self._step = run.step
        self._writer.add_text("config", _as_markdown(run.config), self._step)

    def log(self, row: Mapping[str, float]) -> None:
        """A point on the curve of each number."""
        self._step = int(row["step"])
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(name, value, self._step)

    def picture(self, step: int, path: Path) -> None:
        """The grid as an image."""
        with Image.open(path) as grid:
            self._writer.add_image("samples", np.asarray(grid.convert("RGB")), step, dataformats="HWC")

    def close(self, status: str) -> None:
        """The status as text, and everything on disk."""
        self._writer.add_text("status", status, self._step)
        self._writer.close()


def _as_markdown(config: Mapping[str, object]) -> str:
    """TensorBoard renders text as Markdown; indented lines are shown as they are."""
    return "".join(f"    {line}\n" for line in json.dumps(config, indent=2).splitlines())
