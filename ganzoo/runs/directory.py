"""The run directory: ``runs/0007-hinge-patchgan-sn-digits/``. Never overwritten, locked for as long as a run lives.

Every file appears whole or not at all: it is written beside its place, flushed to disk, then renamed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganzoo import files
from ganzoo.errors import CheckpointError, ConfigError, LockedError
from ganzoo.files import flush_to_disk, writing
from ganzoo.runs.keeping import kept
from ganzoo.runs.listing import run_number
from ganzoo.runs.place import runs_flag

logger = logging.getLogger("ganzoo")

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
            run.samples.mkdir()
            run.checkpoints.mkdir()
        return run

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run. Raises :class:`LockedError` when another process does."""
        lock = filelock.FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise LockedError(
                f"run {self.path.name} is being trained by another process",
                hint="wait until it ends, or stop it with Ctrl-C (it saves a checkpoint first)",
            ) from None
        try:
            yield
        finally:
            lock.release()

    def is_live(self) -> bool:
        """Whether a process trains it."""
        try:
            with self.locked():
                return False
        except LockedError:
            return True
        except OSError:  # a folder that cannot be written, as on another machine: nobody trains it here
            return False

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Replace ``manifest.json``."""
        files.write_text(self.manifest, json.dumps(content, indent=2) + "\n")

    def read_manifest(self) -> dict[str, Any]:
        """``manifest.json``; empty when it is missing."""
        if not self.manifest.exists():
            return {}
        content: dict[str, Any] = json.loads(self.manifest.read_text(encoding="utf-8"))
        return content

    def save_checkpoint(
        self, step: int, tensors: Mapping[str, dict[str, Tensor]], state: Mapping[str, Any], *, keep: str = "last 3"
    ) -> Path:
        """Write ``checkpoints/step-NNNNNNN/`` and drop the older ones that do not stay by the rule ``keep``."""
        final = self.checkpoints / f"step-{step:07d}"
        beside = self.checkpoints / f".step-{step:07d}.partial"
        with writing(final, place="--runs DIR"):
            for leftover in self.checkpoints.glob(".step-*.partial"):
                shutil.rmtree(leftover, ignore_errors=True)
            beside.mkdir(parents=True)  # empty folders get lost where a run is copied or synchronized
            for name, part in tensors.items():
                save_file(part, beside / f"{name}.safetensors")
            (beside / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
            files = {path.name: _digest(path) for path in sorted(beside.iterdir())}
            (beside / "manifest.json").write_text(json.dumps({"files": files}, indent=2) + "\n", encoding="utf-8")
            for path in (*beside.iterdir(), beside):
                flush_to_disk(path)
            shutil.rmtree(final, ignore_errors=True)
            beside.rename(final)
            flush_to_disk(self.checkpoints)
        self._drop_all_but(kept({step_of(folder): _score(folder) for folder in self.checkpoint_folders()}, keep))
        return final

    def _drop_all_but(self, steps: set[int]) -> None:
        for folder in self.checkpoint_folders():
            if step_of(folder) not in steps:
                shutil.rmtree(folder, ignore_errors=True)

    def checkpoint_folders(self) -> list[Path]:
        """Checkpoints, newest first, verified or not."""
        found = self.checkpoints.glob("step-[0-9]*")
        return sorted(found, key=step_of, reverse=True)

    def grids(self) -> list[Path]:
        """Sample grids, oldest first."""
        return sorted(self.samples.glob("step-[0-9]*.png"), key=step_of)

    def discard_after(self, step: int) -> None:
        """Remove the grids and checkpoints of later steps, which are done again: a folder shows what happened."""
        later = [path for path in (*self.grids(), *self.checkpoint_folders()) if step_of(path) > step]
        for path in later:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if later:
            logger.info("training goes on from step %d: grids and checkpoints of later steps are removed", step)

    def load_checkpoint(self, step: int | None = None) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """Tensors and state of the newest checkpoint that verifies; others are skipped, loudly.

        Args:
            step: of this step instead.

        Raises:
            CheckpointError: none verifies, or that of ``step`` does not.
            ConfigError: there is none of ``step``.
        """
        if step is not None:
            return self._load_checkpoint_of(step)
        for folder in self.checkpoint_folders():
            problem = verify(folder)
            if problem is None:
                return _read(folder)
            logger.warning("checkpoint %s skipped: %s", folder.name, problem)
        raise CheckpointError(
            f"run {self.path.name} has no intact checkpoint",
            given=self.checkpoints,
            hint=f"start again with: {self.again()}",
        )

    def _load_checkpoint_of(self, step: int) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        folders = {step_of(folder): folder for folder in self.checkpoint_folders()}
        steps = ", ".join(map(str, sorted(folders)))
        if step not in folders:
            nearest = min(folders, key=lambda one: abs(one - step), default=None)
            raise ConfigError(
                f"run {self.path.name} has no checkpoint of step {step}; train.keep says which ones stay",
                given=step,
                allowed=steps or "(none yet)",
                hint=None if nearest is None else f"--step {nearest}",
            )
        if (problem := verify(folders[step])) is not None:
            raise CheckpointError(
                f"the checkpoint of step {step} of run {self.path.name} is not intact: {problem}",
                given=folders[step],
                allowed=steps,
                hint="leave out --step: the newest that is intact is used then",
            )
        return _read(folders[step])


def verify(folder: Path) -> str | None:
    """Why a checkpoint cannot be trusted, or ``None``."""
    try:
        listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
        for name, digest in listed.items():
            if not (folder / name).exists():
                return f"{name} is missing"
            if _digest(folder / name) != digest:
                return f"{name} does not match its manifest"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"manifest.json cannot be read ({error})"
    return None


def step_of(path: Path) -> int:
    """The step of a checkpoint ``step-0000500`` or a grid ``step-0000500.png``."""
    return int(path.stem.removeprefix("step-"))


def find_run(runs: Path, word: str | None) -> RunDirectory:
    """The run a user means: a path, a folder name, a number, or (``None``) the newest unfinished one.

    Args:
        runs: the folder of runs.
        word: what the user says.

    Raises:
        ConfigError: there is no such run.
    """
    if word is not None and (Path(word) / "config.yaml").exists():
        return RunDirectory(Path(word))
    found = sorted((path for path in runs.glob("*") if run_number(path) and path.is_dir()), key=run_number)
    if word is None:
        # A process that died before it trained leaves a folder without one.
        found = [path for path in found if RunDirectory(path).config.exists()]
        # A diverged run would diverge again in the same way.
        over = ("finished", "diverged")
        unfinished = [path for path in found if RunDirectory(path).read_manifest().get("status") not in over]
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


def _score(checkpoint: Path) -> float | None:
    """How good the generator was, where it was measured; a checkpoint that cannot be read was not."""
    try:
        score = json.loads((checkpoint / "state.json").read_text(encoding="utf-8")).get("score")
        return None if score is None else float(score)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _read(checkpoint: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    state: dict[str, Any] = json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))
    return {path.stem: load_file(path) for path in checkpoint.glob("*.safetensors")}, state


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
