"""What a folder of runs holds, read off their files: no torch, no plugin, and nothing is changed."""

from __future__ import annotations

import json
import logging
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock

from ganzoo.config.yaml_text import read_yaml
from ganzoo.errors import ConfigError
from ganzoo.regular import opened, regular_text
from ganzoo.runs.shapes import fits

logger = logging.getLogger("ganzoo")

LAST_BYTES = 65536
"""A row of ``metrics.jsonl`` is shorter than this."""
PLACES = ("path", "root")
"""Options of datasets that say where the data are, whose last part tells two runs on folders apart."""


@dataclass(frozen=True, kw_only=True)
class ListedRun:
    """A run in few words.

    Attributes:
        number: the leading number of its folder.
        path: the folder.
        status: ``running``, ``finished``, ``interrupted``, ``diverged`` or ``failed``; ``killed`` if it should be
            running and no process holds it; ``not started`` if it ended before the first step; ``unreadable``
            if its manifest is damaged or lost.
        step: the last step that is known; ``None`` if none is.
        steps: how many there are to be; ``None`` if that is not known.
        data: the dataset, and the last part of its path if it has one; ``None`` without a configuration.
        parts: loss, discriminator, generator, regularizers and augmentations; empty without a configuration.
        started: when it was started, in ISO 8601; ``None`` if that is not known.
        ended: when it stopped; ``None`` while it runs.
        size: bytes of all its files.
    """

    number: int
    path: Path
    status: str
    step: int | None
    steps: int | None
    data: str | None
    parts: tuple[str, ...]
    started: str | None
    ended: str | None
    size: int

    def age(self) -> float | None:
        """Seconds since it was started."""
        return (
            None if self.started is None else (datetime.now(UTC) - datetime.fromisoformat(self.started)).total_seconds()
        )


def run_number(path: Path) -> int:
    """The leading number of a run's folder name; 0 when it has none."""
    found = re.match(r"(\d{4,})-", path.name)
    return int(found[1]) if found else 0


def listed_runs(folder: Path) -> list[ListedRun]:
    """The runs of a folder by number; other things in it are left out.

    Raises:
        ConfigError: it is not a folder.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, and a folder is needed", given=folder, hint="--runs DIR")
    found = [path for path in folder.glob("*") if run_number(path) and path.is_dir()]
    return [_listed(path) for path in sorted(found, key=lambda path: (run_number(path), path.name))]


def _listed(path: Path) -> ListedRun:
    record, config = _manifest(path / "manifest.json"), _config(path / "config.yaml")
    done = last_step(path / "metrics.jsonl")
    steps = [step for step in (record.get("step"), done) if isinstance(step, int)]
    train = _mapping(config.get("train"))
    return ListedRun(
        number=run_number(path),
        path=path,
        status=_status(path, record, begun=done is not None or any((path / "checkpoints").glob("step-*"))),
        step=max(steps, default=None),
        steps=train.get("steps"),
        data=_data(_mapping(config.get("data"))),
        parts=_parts(config),
        started=_time(record.get("started")),
        ended=_time(record.get("ended")),
        size=_size(path),
    )


def _status(path: Path, record: Mapping[str, Any], *, begun: bool) -> str:
    lost = begun or (path / "manifest.json").exists()
    status = str(record.get("status", "unreadable" if lost else "not started"))
    return "killed" if status == "running" and not _held(path / ".lock") else status


def _held(lock: Path) -> bool:
    """Whether a process holds the run; one that was killed left its manifest as it was."""
    if not lock.exists():
        return False
    try:
        with filelock.FileLock(lock, timeout=0):
            return False
    except (filelock.Timeout, OSError):  # where nothing may be written, nobody can be asked
        return True


def _manifest(path: Path) -> dict[str, Any]:
    try:
        return _mapping(json.loads(regular_text(path)))
    except (OSError, ValueError, RecursionError):
        return {}


def _config(path: Path) -> dict[str, Any]:
    try:
        return read_yaml(regular_text(path), str(path))
    except (OSError, ValueError, ConfigError):
        return {}


def _mapping(content: Any) -> dict[str, Any]:
    return content if isinstance(content, dict) else {}


def _time(written: Any) -> str | None:
    """A time with its zone, as a run writes it; a manifest that came from elsewhere may hold anything."""
    try:
        return written if datetime.fromisoformat(written).tzinfo is not None else None
    except (TypeError, ValueError):
        return None


def _data(section: Mapping[str, Any]) -> str | None:
    name = section.get("name")
    place = next((str(section[key]) for key in PLACES if section.get(key)), None)
    return name if name is None or place is None else f"{name} {Path(place).name}"


def _parts(config: Mapping[str, Any]) -> tuple[str, ...]:
    chosen = [_mapping(config.get(section)).get("name") for section in ("loss", "discriminator", "generator")]
    several = [name for section in ("regularizers", "augment") for name in _mapping(config.get(section))]
    return tuple(str(name) for name in (*chosen, *several) if name is not None)


def last_step(metrics: Path) -> int | None:
    """The step of the last whole row: while a run goes on, its manifest knows only where it began."""
    try:
        with opened(metrics) as file:
            file.seek(max(0, metrics.stat().st_size - LAST_BYTES))
            rows = file.read().splitlines(keepends=True)
        return int(json.loads([row for row in rows if row.endswith(b"\n")][-1])["step"])
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError):
        return None


def rows_of(metrics: Path) -> list[dict[str, float]]:
    """The rows of ``metrics.jsonl``; a last one that is being written, or was cut off, is left out.

    So is, with a warning, a line that is no row: after a loss of power a file may hold anything.
    """
    rows, damaged = [], 0
    try:
        with opened(metrics) as file:
            lines = file.read().splitlines(keepends=True)
    except FileNotFoundError:
        raise
    except OSError as error:
        logger.warning("%s cannot be read, and what it said is lost: %s", metrics, error.strerror)
        return []
    for line in lines:
        if not line.endswith(b"\n"):
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if fits(row, {...: (int, float)}) and "step" in row and math.isfinite(row["step"]):
            rows.append(row)
        else:
            damaged += 1
    if damaged:
        logger.warning("%s: damaged lines are left out: %d", metrics, damaged)
    return rows


def _size(path: Path) -> int:
    """Bytes of the files in a folder; what is removed meanwhile counts nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return total
