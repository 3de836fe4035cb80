"""The run directory: ``runs/0007-hinge-patchgan-sn-digits/``. Never overwritten, locked for as long as a run lives.

Every file appears whole or not at all: it is written beside its place, flushed to disk, then renamed.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock
from torch import Tensor

from ganzoo import files
from ganzoo.errors import CheckpointError, ConfigError, DivergedError, LockedError, ResourceError
from ganzoo.files import writing
from ganzoo.regular import regular_text
from ganzoo.runs import checkpoint
from ganzoo.runs.checkpoint import DamagedError, is_named_as_ours, step_of
from ganzoo.runs.keeping import kept
from ganzoo.runs.listing import last_step, run_number
from ganzoo.runs.place import runs_flag
from ganzoo.runs.shapes import MANIFEST, fits

logger = logging.getLogger("ganzoo")

OVER = ("finished", "diverged")
"""Of a run that ended so nothing is left to do: one that diverged would diverge again in the same way."""
SAVED = ("finished", "interrupted")
"""A run that ended so has written a checkpoint before."""
_MENTIONED: set[Path] = set()
"""What this process has warned of: a command opens the same run many times."""
MOST_GRIDS = 1000
"""Sample grids of a run; they take from some 20 kB to a megabyte each."""
NAMED = 5
"""So many runs an error message names."""


class RunDirectory:
    """Layout and safe writing of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.manifest = path / "manifest.json"
        self.metrics = path / "metrics.jsonl"
        self.log = path / "log.txt"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self._held: tuple[int, int] | None = None
        """Which folder it was when it was locked: a path may come to lead to another, or nowhere."""

    @property
    def word(self) -> str:
        """Its path as one would type it."""
        return shlex.quote(str(self.path))

    def again(self) -> str:
        """The command that starts a run like this one, beside it."""
        return f"ganzoo run --config {shlex.quote(str(self.config))}{runs_flag(self.path.parent)}"

    @classmethod
    def create(cls, runs: Path, name: str) -> RunDirectory:
        """A new numbered directory; two processes starting at once get two numbers."""
        with writing(runs, place="--runs DIR"):
            runs.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(runs / ".lock"):
                number = max((run_number(path) for path in runs.iterdir()), default=0) + 1
                run = cls(runs / f"{number:04d}-{name}")
                run.path.mkdir()
            try:
                run.samples.mkdir()
                run.checkpoints.mkdir()
            except OSError:
                run._remove_own((run.samples, run.checkpoints, run.path))
                raise
        return run

    def remove_if_not_begun(self) -> None:
        """Remove the folder of a run that could not begin, so that nobody finds one with which nothing can be done.

        Nothing goes but what a run has before it trains: a folder that holds more, or is another one, stays.
        """
        if self.config.exists() or self._held != _identity(self.path):
            return
        folders, files_before = (self.samples, self.checkpoints), (self.path / ".lock", self.log, self.manifest)
        empty = not any(child for folder in folders if folder.is_dir() for child in folder.iterdir())
        if empty and set(self.path.iterdir()) <= {*folders, *files_before}:
            self._remove_own((*folders, *files_before, self.path))

    @staticmethod
    def _remove_own(paths: Iterable[Path]) -> None:
        """Files, and folders that are empty."""
        for path in paths:
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run. Raises :class:`LockedError` when another process does."""
        lock = filelock.FileLock(self.path / ".lock", timeout=0)
        with writing(self.path / ".lock", place="--runs DIR"):
            try:
                lock.acquire()
            except filelock.Timeout:
                raise LockedError(
                    f"run {self.path.name} is being trained by another process",
                    hint="wait until it ends, or stop it with Ctrl-C (it saves a checkpoint first)",
                ) from None
        self._held = _identity(self.path)
        try:
            yield
        finally:
            self._held = None
            lock.release()

    def demand_there(self) -> None:
        """Refuse to make the folder of a run anew while it is trained: the rest of the run would be missing in it.

        Raises:
            ResourceError: it was removed or moved, or another one is in its place.
        """
        if self._held not in (None, _identity(self.path)):
            raise ResourceError(
                f"the folder of run {self.path.name} was removed or moved while it was trained",
                given=self.path,
                allowed="the folder as it was until the run ends",
                hint="go on from where it was moved to with: ganzoo resume PATH",
            )

    def demand_own(self) -> None:
        """Refuse to train into what leads elsewhere: rows are added to files, grids and checkpoints are removed.

        Raises:
            ConfigError: a file or a folder of the run is a symbolic link, a pipe or a device.
        """
        for path, is_so in (
            (self.path / ".lock", Path.is_file),
            (self.metrics, Path.is_file),
            (self.log, Path.is_file),
            (self.samples, Path.is_dir),
            (self.checkpoints, Path.is_dir),
        ):
            kind = "folder" if is_so is Path.is_dir else "file"
            if path.is_symlink() or (path.exists() and not is_so(path)):
                raise ConfigError(
                    f"{path} is no {kind} of its own, and a run writes and removes nothing elsewhere",
                    given=f"a symbolic link to {path.readlink()}" if path.is_symlink() else f"what is not a {kind}",
                    allowed=f"a {kind}; the folder of the whole run may be a link",
                    hint=f"move the {kind} itself there, or start a new run with: {self.again()}",
                )

    def sweep(self) -> None:
        """Remove what a killed process left half written, while the run is held: files beside their places."""
        for folder in (self.path, self.samples):
            for path in folder.glob(".*.partial"):
                path.unlink(missing_ok=True)
        self._sweep_checkpoints()

    def _sweep_checkpoints(self) -> None:
        for path in self.checkpoints.glob(".step-*.partial"):
            shutil.rmtree(path, ignore_errors=True)

    def is_live(self) -> bool:
        """Whether a process trains it."""
        try:
            with self.locked():
                return False
        except LockedError:
            return True
        except (OSError, ResourceError):
            return False  # nobody trains where nothing can be written

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Replace ``manifest.json``."""
        self.demand_there()
        files.write_text(self.manifest, json.dumps(content, indent=2) + "\n", place="--runs DIR")

    def read_manifest(self) -> dict[str, Any]:
        """``manifest.json``; empty when it is missing or cannot be read: one damaged file must not stop other runs."""
        if not self.manifest.exists():
            return {}
        try:
            content = json.loads(regular_text(self.manifest))
        except (OSError, ValueError, RecursionError):
            content = None
        if fits(content, MANIFEST):
            found: dict[str, Any] = content
            return found
        if self.manifest not in _MENTIONED:
            _MENTIONED.add(self.manifest)
            logger.warning("%s cannot be read: what it said is lost", self.manifest)
        return {}

    def started_elsewhere(self) -> bool:
        """Whether the configuration says that the first weights are those of another run."""
        return regular_text(self.config).startswith("#")

    def save_checkpoint(
        self, step: int, tensors: Mapping[str, dict[str, Tensor]], state: Mapping[str, Any], *, keep: str = "last 3"
    ) -> Path:
        """:meth:`demand_finite`, then all of :meth:`write_checkpoint_in_parts`; the folder of it."""
        self.demand_finite(tensors, step)
        for _ in self.write_checkpoint_in_parts(step, tensors, state, keep=keep):
            pass
        return self._checkpoint_of(step)

    def write_checkpoint_in_parts(
        self, step: int, tensors: Mapping[str, dict[str, Tensor]], state: Mapping[str, Any], *, keep: str
    ) -> Iterator[None]:
        """Write ``checkpoints/step-NNNNNNN/`` and drop the older ones that do not stay by the rule ``keep``.

        It is done part by part, whenever the next is asked for. Nothing is computed with the tensors, so that another
        thread than the training's can do it.

        Raises:
            ResourceError: it cannot be written.
        """
        self.demand_there()
        yield from checkpoint.write_in_parts(self._checkpoint_of(step), tensors, state)
        self.thin_checkpoints(keep)

    def _checkpoint_of(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:07d}"

    def demand_finite(self, tensors: Mapping[str, dict[str, Tensor]], step: int) -> None:
        """Refuse weights that are not finite: they never become so again, and would push out a good checkpoint.

        Raises:
            DivergedError: some are not.
        """
        for network in ("generator", "discriminator", "ema"):
            for name, tensor in tensors.get(network, {}).items():
                if not _is_finite(tensor):
                    raise DivergedError(
                        f"{network} {name} is not finite after step {step}: no checkpoint of that is kept",
                        hint=f"go on from the last good one at lower rates: {self.again()} --init {self.word} --set "
                        "train.g_lr=… --set train.d_lr=…",
                    )

    def thin_checkpoints(self, keep: str) -> None:
        """Drop the checkpoints that do not stay by a rule, and what earlier removals left.

        It is done again at the end, and where a run is met again, since a process may have been killed before it had.
        """
        self._sweep_checkpoints()
        steps = kept({step_of(folder): checkpoint.score(folder) for folder in self.checkpoint_folders()}, keep)
        for folder in self.checkpoint_folders():
            if step_of(folder) not in steps:
                self._drop(folder)

    def _drop(self, folder: Path) -> None:
        """Remove a checkpoint: whole or not at all under its name, whatever ends this process meanwhile."""
        aside = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(aside, ignore_errors=True)  # of a removal that was cut off
        try:
            folder.rename(aside)
        except OSError:
            return  # it stays, and is dropped when the next one is written
        shutil.rmtree(aside, ignore_errors=True)

    def checkpoint_folders(self) -> list[Path]:
        """Checkpoints, newest first, verified or not."""
        found = self._named_as_ours(self.checkpoints, "*")
        return sorted((path for path in found if path.is_dir()), key=step_of, reverse=True)

    def has_checkpoint(self, step: int) -> bool:
        """Whether there is one of a step, verified or not."""
        return step in map(step_of, self.checkpoint_folders())

    def grids(self) -> list[Path]:
        """Sample grids, oldest first."""
        return sorted(self._named_as_ours(self.samples, "*.png"), key=step_of)

    def thin_grids(self, every: int) -> None:
        """Keep at most :data:`MOST_GRIDS`: of more, those of every second, fourth, … step, and the newest.

        Args:
            every: steps between two grids.
        """
        grids = self.grids()
        if len(grids) <= MOST_GRIDS:
            return
        apart = every
        while sum(step_of(path) % apart == 0 for path in grids) >= MOST_GRIDS:
            apart *= 2
        for path in grids[:-1]:
            if step_of(path) % apart:
                path.unlink(missing_ok=True)

    def _named_as_ours(self, folder: Path, pattern: str) -> list[Path]:
        """What a run wrote there; what somebody put beside it, such as a copy, stays as it is and is mentioned once."""
        found = list(folder.glob(pattern))
        for path in found:
            if path.name.startswith("step") and not is_named_as_ours(path) and path not in _MENTIONED:
                _MENTIONED.add(path)
                logger.info("%s is not named as a run names its files, and is left alone", path)
        return [path for path in found if is_named_as_ours(path)]

    def discard_after(self, step: int) -> None:
        """Remove the grids and checkpoints of later steps, which are done again: a folder shows what happened."""
        later = [path for path in (*self.grids(), *self.checkpoint_folders()) if step_of(path) > step]
        for path in later:
            if path.is_dir():
                self._drop(path)
            else:
                path.unlink(missing_ok=True)
        if later:
            logger.info("training goes on from step %d: grids and checkpoints of later steps are removed", step)

    def demand_checkpoint(self, *, every: int) -> None:
        """Refuse to begin again at step 0 where checkpoints were written and are gone: the rows would go with them.

        Args:
            every: after how many steps a checkpoint is written.

        Raises:
            CheckpointError: there were some, and there is none.
        """
        if self.checkpoints.is_dir() and not os.access(self.checkpoints, os.R_OK | os.X_OK):
            raise CheckpointError(
                f"the checkpoints of run {self.path.name} cannot be read",
                given=self.checkpoints,
                allowed="a folder that you may read and enter",
                hint=f"make it readable, for example with: chmod u+rx {shlex.quote(str(self.checkpoints))}",
            )
        record = self.read_manifest()
        noted = record.get("step") or 0
        step = max(last_step(self.metrics) or 0, noted)
        saved = step > every or (record.get("status") in SAVED and noted)
        if saved and not self.checkpoint_folders():
            raise CheckpointError(
                f"run {self.path.name} was trained to step {step}, and its checkpoints are gone",
                given=self.checkpoints,
                hint="put them back; or begin again at step 0, over the rows and grids that are there, with: "
                f"ganzoo resume {self.word} --restart",
            )

    def load_checkpoint(self, step: int | None = None) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """Tensors and state of the newest checkpoint that verifies; others are skipped, loudly.

        Args:
            step: of this step instead.

        Raises:
            CheckpointError: none verifies, or that of ``step`` does not.
            ConfigError: there is none of ``step``.
        """
        return self._newest_intact()[1] if step is None else self._load_checkpoint_of(step)

    def newest_intact(self) -> int:
        """The step of the newest checkpoint that verifies; others are skipped, loudly.

        Raises:
            CheckpointError: none verifies.
        """
        return self._newest_intact()[0]

    def _newest_intact(self) -> tuple[int, tuple[dict[str, dict[str, Tensor]], dict[str, Any]]]:
        for folder in self.checkpoint_folders():
            try:
                return step_of(folder), checkpoint.read(folder)
            except DamagedError as problem:
                if folder not in _MENTIONED:
                    _MENTIONED.add(folder)
                    logger.warning("checkpoint %s skipped: %s", folder.name, problem)
        raise CheckpointError(
            f"run {self.path.name} has no intact checkpoint",
            given=self.checkpoints,
            hint=f"begin again over the rows and grids that are there with: ganzoo resume {self.word} --restart; "
            f"or, beside them, start again with: {self.again()}",
        )

    def checkpoint_folder(self, step: int) -> Path:
        """The folder of the checkpoint of a step, verified or not; a ConfigError where there is none."""
        folders = {step_of(folder): folder for folder in self.checkpoint_folders()}
        if step in folders:
            return folders[step]
        nearest = min(folders, key=lambda one: abs(one - step), default=None)
        raise ConfigError(
            f"run {self.path.name} has no checkpoint of step {step}; train.keep says which ones stay",
            given=step,
            allowed=", ".join(map(str, sorted(folders))) or "(none yet)",
            hint=None if nearest is None else f"--step {nearest}",
        )

    def _load_checkpoint_of(self, step: int) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        folder = self.checkpoint_folder(step)
        try:
            return checkpoint.read(folder)
        except DamagedError as problem:
            raise CheckpointError(
                f"the checkpoint of step {step} of run {self.path.name} is not intact: {problem}",
                given=folder,
                allowed="the checkpoint as it was written",
                hint="leave out --step: the newest that is intact is used then",
            ) from problem


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_finite(tensor: Tensor) -> bool:
    """Whether all its numbers are: a sum shows it in a tenth of the time, unless it overflows."""
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _has_checkpoints(path: Path) -> bool:
    return bool(RunDirectory(path).checkpoint_folders())


def find_run(runs: Path, word: str | None) -> RunDirectory:
    """The run a user means: a path, a folder name, a number, or (``None``) the newest unfinished one.

    Args:
        runs: the folder of runs.
        word: what the user says.

    Raises:
        ConfigError: there is no such run.
    """
    if word is not None and any(os.path.exists(Path(word) / own) for own in ("config.yaml", "checkpoints")):
        return RunDirectory(Path(word))
    found = sorted((path for path in runs.glob("*") if run_number(path) and path.is_dir()), key=run_number)
    if word is None:
        # A process that died before it trained leaves a folder without a configuration. One that is lost is mentioned,
        # and keeps nobody from going on with another run.
        lost = [path for path in found if not RunDirectory(path).config.exists() and _has_checkpoints(path)]
        found = [path for path in found if RunDirectory(path).config.exists()] or lost
        for path in lost if found != lost else ():
            logger.warning("run %s is passed over: its config.yaml is lost", path.name)
        unfinished = [path for path in found if RunDirectory(path).read_manifest().get("status") not in OVER]
        if unfinished or found:
            return RunDirectory((unfinished or found)[-1])
    for path in found:
        if word in (path.name, str(run_number(path)), f"{run_number(path):04d}"):
            return RunDirectory(path)
    raise ConfigError(
        f"there is no run {word!r} in {runs}/" if word else f"there are no runs in {runs}/",
        given=word,
        allowed=("the newest ones: " if len(found) > NAMED else "")
        + (", ".join(path.name for path in found[-NAMED:]) or "(none yet)"),
        hint=("name one of these" if found else f"start a run with: ganzoo run{runs_flag(runs)}")
        + "; or use --runs DIR if your runs are in another folder",
    )
