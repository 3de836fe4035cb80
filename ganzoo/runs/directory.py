"""The run directory: ``runs/0007-hinge-patchgan-sn-digits/``. Never overwritten, locked for as long as a run lives.

Every file appears whole or not at all: it is written beside its place, flushed to disk, then renamed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
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

logger = logging.getLogger("ganzoo")

KEEP = 3
"""How many checkpoints stay."""

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

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Replace ``manifest.json``."""
        files.write_text(self.manifest, json.dumps(content, indent=2) + "\n")

    def read_manifest(self) -> dict[str, Any]:
        """``manifest.json``; empty when it is missing."""
        if not self.manifest.exists():
            return {}
        content: dict[str, Any] = json.loads(self.manifest.read_text(encoding="utf-8"))
        return content

    def save_checkpoint(self, step: int, tensors: Mapping[str, dict[str, Tensor]], state: Mapping[str, Any]) -> Path:
        """Write ``checkpoints/step-NNNNNNN/`` and drop all but the newest three."""
        final = self.checkpoints / f"step-{step:07d}"
        beside = self.checkpoints / f".step-{step:07d}.partial"
        with writing(final, place="--runs DIR"):
            for leftover in self.checkpoints.glob(".step-*.partial"):
                shutil.rmtree(leftover, ignore_errors=True)
            beside.mkdir()
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
        for old in self.checkpoint_folders()[KEEP:]:
            shutil.rmtree(old, ignore_errors=True)
        return final

    def checkpoint_folders(self) -> list[Path]:
        """Checkpoints, newest first, verified or not."""
        found = self.checkpoints.glob("step-[0-9]*")
        return sorted(found, key=lambda path: int(path.name.removeprefix("step-")), reverse=True)

    def load_checkpoint(self, step: int | None = None) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """Tensors and state at ``step``, or of the newest checkpoint that verifies; others are skipped, loudly.

        Raises:
            CheckpointError: none verifies, or there is none of that step.
        """
        if step is not None:
            return _read(self._checkpoint_at(step))
        for folder in self.checkpoint_folders():
            problem = verify(folder)
            if problem is None:
                return _read(folder)
            logger.warning("checkpoint %s skipped: %s", folder.name, problem)
        raise CheckpointError(
            f"run {self.path.name} has no intact checkpoint",
            given=self.checkpoints,
            hint=f"start again with: ganzoo run --config {self.config}",
        )

    def _checkpoint_at(self, step: int) -> Path:
        """The checkpoint of a step, verified."""
        known = {int(folder.name.removeprefix("step-")): folder for folder in self.checkpoint_folders()}
        problem = verify(known[step]) if step in known else "there is none of that step"
        if problem is not None:
            raise CheckpointError(
                f"run {self.path.name} cannot be taken at step {step}: {problem}",
                given=step,
                allowed=", ".join(map(str, sorted(known))) or "(no checkpoint yet)",
                hint="name one of these steps, or none for the newest",
            )
        return known[step]


def _read(folder: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return {path.stem: load_file(path) for path in folder.glob("*.safetensors")}, state


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


def run_number(path: Path) -> int:
    """The leading number of a run's folder name; 0 when it has none."""
    found = re.match(r"(\d{4,})-", path.name)
    return int(found[1]) if found else 0


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
        hint=("name one of these" if found else "start a run with: ganzoo run")
        + "; or use --runs DIR if your runs are in another folder",
    )


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
