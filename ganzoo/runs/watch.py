"""What happens with a report: metric rows, sample grids, checkpoints. Watchers read; they never change the training."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.errors import GanzooError, PluginError, ProcessLostError
from ganzoo.evaluation import pictures
from ganzoo.evaluation.likeness import Likeness
from ganzoo.files import writing
from ganzoo.protocols import DataSpec, Report
from ganzoo.runs.background import Background
from ganzoo.runs.directory import MOST_GRIDS, RunDirectory
from ganzoo.runs.grid_samples import COLUMNS, GridSamples
from ganzoo.training import spacing, spectral
from ganzoo.training.schedule_curve import Scheduled
from ganzoo.training.setup import Schedule
from ganzoo.training.state import TensorFile, TrainState

logger = logging.getLogger("ganzoo")


class MetricsLog:
    """Writes ``metrics.jsonl``: one row for each report that carries numbers, flushed at once.

    Args:
        offset: bytes to keep of a file that is continued; rows after it belong to steps that are done again.
        looks_every: the rows in which spectral norms and looks at samples are due, in steps.
        looks: a cheap look at the samples of a step.
        measures: what else is found out about the generator, which costs more than a step may.
        measures_every: the rows in which that is due, and the last one.
        tell: whom to tell each row once it is written.
        scheduled: the numbers that move, for columns of what they are in the step of the row.
    """

    def __init__(
        self,
        run: RunDirectory,
        state: TrainState,
        schedule: Schedule,
        *,
        offset: int = 0,
        looks_every: int,
        looks: Callable[[int], dict[str, float]] | None = None,
        measures: Callable[[], dict[str, float]] | None = None,
        measures_every: int | None = None,
        tell: Callable[[Mapping[str, float]], None] | None = None,
        scheduled: Sequence[Scheduled] = (),
    ) -> None:
        self._scheduled = scheduled
        self._state, self._schedule, self._looks_every = state, schedule, looks_every
        self._looks = looks
        self._measures, self._measures_every, self._tell = measures, measures_every or looks_every, tell
        self._path = run.metrics
        with writing(self._path, place="--runs DIR"):
            self._file = run.metrics.open("ab")
            self._keep(offset)
        self._clock = Clock(state.images)
        self.latest: dict[str, float] = {}
        self.measured_step: int | None = None

    def _keep(self, offset: int) -> None:
        size = self._file.tell()
        if size < offset:
            logger.warning(
                "metrics.jsonl is %d bytes shorter than at the checkpoint; those rows are lost", offset - size
            )
        self._file.truncate(min(offset, size))
        self._file.seek(0, os.SEEK_END)

    def __call__(self, report: Report) -> None:
        """Write the row of a logged step."""
        if not report.scalars:
            return
        scalars = dict(report.scalars)
        due = self._schedule.passes(report.step, self._looks_every)
        if due:
            scalars |= {f"sigma/{name}": norm for name, norm in spectral.norms(self._state.discriminator).items()}
        looked = self._looks(report.step) if self._looks and due else {}
        # One transfer for the whole row, and double only on the CPU: not every device has it. What a part says of
        # itself may lie elsewhere than what was computed.
        device = next(self._state.generator.parameters()).device
        moved = [value.detach().float().to(device, non_blocking=True) for value in scalars.values()]
        values = torch.stack(moved).cpu().double().tolist()
        row: dict[str, Any] = {"step": report.step, "d_step": report.d_step, "images": report.images}
        self.latest = dict(zip(scalars, values, strict=True)) | looked | self._moved(report.step - 1)
        if self._measures is not None and is_measured(report, self._schedule, self._measures_every):
            self.latest |= self._measures()
            self.measured_step = report.step
        if self._state.rollbacks:
            row["rollbacks"] = self._state.rollbacks
        row |= self.latest | self._clock.tick(report.images)
        with writing(self._path, place="--runs DIR"):
            self._file.write(json.dumps(row).encode() + b"\n")
            self._file.flush()
        if self._tell is not None:
            self._tell(row)
        if (apart := self._schedule.apart(report.step + 1)) != self._schedule.apart(report.step):
            logger.info("from step %d on, rows are written every %d steps: a long run has many", report.step, apart)

    def _moved(self, before: int) -> dict[str, float]:
        """What the numbers that move were in the step that followed ``before`` of them."""
        images = self._schedule.images(before)
        columns: dict[str, float] = {}
        for moving in self._scheduled:
            columns |= moving.columns(step=before, images=images)
        return columns

    def offset(self) -> int:
        """Bytes written so far, safely on disk."""
        with writing(self._path, place="--runs DIR"):
            os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file. What could not be written before cannot be now, and has been told."""
        with suppress(OSError):
            self._file.close()


def is_measured(report: Report, schedule: Schedule, every: int) -> bool:
    """Whether the row of a report has metrics: all processes know it by themselves, and are there for them."""
    return bool(report.scalars) and (report.last or schedule.passes(report.step, every))


class Clock:
    """Wall-clock figures; all that escapes bit-equality."""

    def __init__(self, images: int) -> None:
        self._start = self._last = time.perf_counter()
        self._images = images

    def tick(self, images: int) -> dict[str, float]:
        """Seconds since the start, and images per second since the last tick."""
        now = time.perf_counter()
        rate = (images - self._images) / max(now - self._last, 1e-9)
        self._last, self._images = now, images
        return {"time/elapsed": round(now - self._start, 3), "time/images_per_s": round(rate, 1)}


class SampleGrids:
    """Writes ``samples/step-NNNNNNN.png`` from latents that stay the same for the whole run, and a GIF of them.

    Of vectors it is a scatter plot over real ones, and at the end ``samples.png`` shows how they moved.

    Args:
        uniform: whether the generator is trained on all classes alike.
        real: some of the real data, (N, D), if they are vectors.
        likeness: what is found out about the samples, beside drawing them.
        tell: whom to tell the step and the path of each grid once it is written.
    """

    def __init__(
        self,
        run: RunDirectory,
        state: TrainState,
        spec: DataSpec,
        *,
        every: int,
        seed: int,
        uniform: bool = False,
        real: Tensor | None = None,
        likeness: Likeness | None = None,
        tell: Callable[[int, Path], None] | None = None,
    ) -> None:
        self._run, self._spec, self._every = run, spec, every
        self._samples = GridSamples(state, spec, seed=seed, uniform=uniform)
        self._real, self._likeness, self._tell = real, likeness, tell

    def __call__(self, report: Report) -> None:
        """Write the grid when it is due."""
        if report.step % self._every == 0 or report.last:
            self.write(report.step, last=report.last)

    def write(self, step: int, *, last: bool = False) -> None:
        """Write the grid of a step; if the generator is conditional, each row is a class and bears its name.

        Trackers add to files of their own, which nobody thins, so in a very long run they are not told of every grid.
        """
        path = self._run.samples / f"step-{step:07d}.png"
        pictures.save(self._picture(*self._samples.of(step)), path, place="--runs DIR")
        self._run.thin_grids(self._every)
        if self._tell is not None and (last or spacing.is_due(step, self._every, MOST_GRIDS)):
            self._tell(step, path)

    def look(self, step: int) -> dict[str, float]:
        """What the samples of the step that is done show without a metric: columns of a row."""
        return {} if self._likeness is None else self._likeness(*self._samples.of(step))

    def _picture(self, samples: Tensor, labels: Tensor | None) -> Image.Image:
        if self._real is not None:
            return pictures.scatter(samples, self._real)
        names = () if labels is None else [self._spec.classes[number] for number in labels[::COLUMNS].tolist()]
        return pictures.grid(samples, COLUMNS, names=names)

    def close(self) -> None:
        """Write the GIF and, for vectors, the contact sheet."""
        film(self._run, vectors=self._real is not None)


def film(run: RunDirectory, *, vectors: bool) -> None:
    """Write ``samples.gif`` of all grids and, for vectors, the contact sheet ``samples.png``."""
    frames = run.grids()
    pictures.save_gif(frames, run.path / "samples.gif")
    if vectors:
        pictures.contact_sheet(frames, run.path / "samples.png")


class Checkpoints:
    """Writes ``checkpoints/step-NNNNNNN/`` when due, at the end, and whenever asked.

    The training waits for a copy of the state and for a look at its numbers; the copy is written beside it, one
    checkpoint at a time. What goes wrong there is raised in the next step, or where the training ends. The first
    checkpoint of a run is waited for, so that rows of later steps prove that there was one. The memory of the copy is
    kept for the next.

    Args:
        keep: the rule by which checkpoints stay.
        extra: what else belongs into ``state.json``; called at each save.
    """

    def __init__(
        self,
        run: RunDirectory,
        state: TrainState,
        *,
        every: int,
        keep: str,
        extra: Callable[[], dict[str, Any]],
    ) -> None:
        self._run, self._state, self._every = run, state, every
        self._keep, self._extra = keep, extra
        # What a run goes on from is there already: to write it again, it would have to be gone for a moment.
        self._saved = state.step if run.has_checkpoint(state.step) else None
        self._writing = Background("ganzoo checkpoint")
        self._copy: Mapping[str, TensorFile] = {}

    def __call__(self, report: Report) -> None:
        """Save when due."""
        self._writing.look()
        if report.step % self._every == 0 or report.last:
            self.save()

    def save(self) -> None:
        """Begin to save the state as it is, at most once per step; :meth:`wait` says when that is done."""
        step = self._state.step
        if self._saved != step:
            self._writing.wait()  # before another copy is made, so that there is one at most
            numbers = {**self._state.numbers(), **self._extra()}
            tensors = self._copy = self._state.tensors(into=self._copy)
            self._run.demand_finite(tensors, step)
            first = not self._run.checkpoint_folders()
            self._writing.begin(partial(self._run.write_checkpoint_in_parts, step, tensors, numbers, keep=self._keep))
            self._saved = step
            if first:
                self.wait()

    def wait(self) -> None:
        """Wait until what was saved is on disk. Raises :class:`ResourceError` if it cannot be written."""
        self._writing.wait()

    @contextmanager
    def kept_if_a_part_fails(self) -> Iterator[None]:
        """Save where a part stops the block: nothing has moved since the last whole update of either player.

        A :class:`PluginError` is such a stop too, since a step raises it before the optimizer moves: a run goes on from
        there once the part is mended. So is a lost process, which is noticed before that. Other errors of ganzoo's own
        say nothing about parts.
        """
        try:
            yield
        except Exception as error:
            at_fault = isinstance(error, PluginError | ProcessLostError) or not isinstance(error, GanzooError)
            if at_fault and self._state.d_step:
                self.save()
                self.wait()
            raise

    def close(self) -> None:
        """Wait until what was saved is on disk, as :meth:`wait` does, and give the memory of the copy back.

        What could not be removed when it was due is tried once more: the last checkpoint is followed by no other.
        """
        try:
            self._writing.close()
            self._run.thin_checkpoints(self._keep)
        finally:
            self._copy = {}
