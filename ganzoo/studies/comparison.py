"""The folder of a comparison: ``comparisons/0001-hinge-bce-digits/``, its definition, and where its runs are."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import filelock
import yaml

from ganzoo import files
from ganzoo.config.layers import ConfigLayer, flatten, read_yaml
from ganzoo.errors import ConfigError, LockedError
from ganzoo.regular import regular_text
from ganzoo.runs.listing import run_number
from ganzoo.runs.shapes import COUNT, TEXT, fits

logger = logging.getLogger("ganzoo")

COMPARISONS = Path("comparisons")
FILE = "comparison.yaml"
MEASURING = ("metrics", "extractors")
"""Sections that say what runs are measured by."""
LOG = "worker.log"
"""What the process of a run printed."""
CELL = {"name": str, "folder": str, "parts": {}, "reason": TEXT, "config": {"data": {}}, "data": TEXT}
ASKED = {
    "seeds": int,
    "budget": {},
    "metrics": [str],
    "extractors": [str],
    "settings": {},
    "n": COUNT,
    "processes": int,
}
SHAPE = {"asked": ASKED, "budget": str, "cells": [CELL]}
"""What the file holds."""
MOST_SEEDS = 1_000_000
KINDS = {"steps": "generator steps", "d-updates": "discriminator updates", "images": "images", "minutes": "minutes"}
"""What a budget may count."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What every cell gets.

    Attributes:
        kind: one of ``KINDS``; ``own`` if each cell trains as long as its components suggest.
        amount: how much; ``None`` for ``own``.
    """

    kind: str = "own"
    amount: float | None = None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What was asked, as plain data.

    Attributes:
        axes: name → choices, in their order.
        settings: path → value, of all cells.
        budget: what every cell gets.
        seeds: seeds 0, 1, … of each cell.
        metrics: names; the usual ones for the data if empty.
        extractors: names; those that metrics suggest if empty.
        n: generated samples; what each metric asks for if ``None``.
        processes: so many train each run together.
    """

    axes: Mapping[str, tuple[Any, ...]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = Budget()
    seeds: int = 3
    metrics: tuple[str, ...] = ()
    extractors: tuple[str, ...] = ()
    n: int | None = None
    processes: int = 1

    def plain(self) -> dict[str, Any]:
        """As JSON has it; two that are equal ask the same."""
        content = {
            "axes": [{"name": name, "choices": list(choices)} for name, choices in self.axes.items()],
            "settings": dict(self.settings),
            "budget": {"kind": self.budget.kind, "amount": self.budget.amount},
            "seeds": self.seeds,
            "metrics": list(self.metrics),
            "extractors": list(self.extractors),
            "n": self.n,
            # By rounding several train other runs than one. Who asked for one asked the same before there was a choice.
            **({} if self.processes == 1 else {"processes": self.processes}),
        }
        plain: dict[str, Any] = json.loads(json.dumps(content))
        return plain


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination.

    Attributes:
        name: ``hinge + patchgan-sn``.
        folder: its name as that of a folder.
        parts: axis → choice.
        reason: why it cannot be computed; ``None`` if it can.
        config: the whole configuration of its runs but the seed; empty if it cannot be computed.
        data: fingerprint of its data; ``None`` if it cannot be computed.
    """

    name: str
    folder: str
    parts: Mapping[str, Any]
    reason: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    data: str | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A comparison on disk.

    Attributes:
        path: its folder.
        asked: :meth:`Definition.plain`.
        words: the budget in words.
        cells: the grid.
    """

    path: Path
    asked: Mapping[str, Any]
    words: str
    cells: tuple[Cell, ...]

    @property
    def word(self) -> str:
        """Its path as one would type it."""
        return shlex.quote(str(self.path))

    @property
    def seeds(self) -> range:
        """The seeds of each cell."""
        return range(int(self.asked["seeds"]))

    @property
    def processes(self) -> int:
        """So many train each run together."""
        return int(self.asked.get("processes", 1))

    @property
    def possible(self) -> list[Cell]:
        """The cells that can be computed."""
        return [cell for cell in self.cells if cell.reason is None]

    def cell(self, folder: str) -> Cell:
        """The cell with this folder."""
        return next(cell for cell in self.cells if cell.folder == folder)

    def place(self, cell: Cell, seed: int) -> Path:
        """The folder of runs that holds the run of one seed."""
        return self.path / "cells" / cell.folder / f"seed-{seed}"

    @classmethod
    def create(cls, folder: Path, name: str, asked: Mapping[str, Any], words: str, cells: tuple[Cell, ...]) -> Self:
        """A new numbered folder; it is a comparison once its definition is written."""
        with files.writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(folder / ".lock"):
                number = max((run_number(path) for path in folder.iterdir()), default=0) + 1
                path = folder / f"{number:04d}-{name}"
                path.mkdir()
        made = cls(path=path, asked=asked, words=words, cells=cells)
        content = {
            "version": 1,
            "asked": dict(asked),
            "budget": words,
            "cells": [vars(one) for one in cells],
        }
        # Through JSON, so that YAML finds nothing twice and writes no references.
        plain = json.loads(json.dumps(content))
        files.write_text(path / FILE, yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
        return made

    @classmethod
    def read(cls, path: Path) -> Self:
        """The comparison in a folder.

        Raises:
            ConfigError: there is none.
        """
        place = path / FILE
        if not place.exists():
            raise ConfigError(
                f"{path} is not the folder of a comparison: {FILE} is missing",
                given=path,
                hint="ganzoo compare --loss hinge,bce --seeds 3",
            )
        try:
            content = read_yaml(regular_text(place), str(place))
            if not fits(content, SHAPE) or not content["cells"] or "kind" not in content["asked"]["budget"]:
                raise ValueError("its values are of other types")
            if not 1 <= content["asked"]["seeds"] <= MOST_SEEDS:
                raise ValueError(f"seeds is {content['asked']['seeds']}, and may be 1 to {MOST_SEEDS:,}")
            if content["asked"].get("processes", 1) < 1:
                raise ValueError(f"processes is {content['asked']['processes']}, and may be 1 or more")
            cells = tuple(Cell(**cell) for cell in content["cells"])
            if any(as_folder(cell.folder) != cell.folder for cell in cells):
                raise ValueError("a cell has a folder that no comparison makes")
            if all(cell.reason is not None for cell in cells):
                raise ValueError("all cells are refused")
            return cls(path=path, asked=content["asked"], words=content["budget"], cells=cells)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{place} is not what a comparison writes there",
                given=f"{type(error).__name__}: {error}",
                hint="put it back, or begin a new comparison with: ganzoo compare --loss hinge,bce --seeds 3",
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the comparison.

        Raises:
            LockedError: another process goes on with it.
            ConfigError: a part of it leads elsewhere.
        """
        self._demand_own()
        lock = filelock.FileLock(self.path / ".lock", timeout=0)
        with files.writing(self.path / ".lock"):
            try:
                lock.acquire()
            except filelock.Timeout:
                raise LockedError(
                    f"comparison {self.path.name} is being computed by another process",
                    hint="wait until it ends, or stop it with Ctrl-C (its runs save a checkpoint first)",
                ) from None
        try:
            yield
        finally:
            lock.release()

    def _demand_own(self) -> None:
        """Refuse links to folders, and in place of logs: runs write there, and remove what is no run of theirs."""
        for folder, folders, names in os.walk(self.path):
            for path in (Path(folder) / name for name in (*folders, *({LOG} & {*names}))):
                if path.is_symlink() or (path.name == LOG and not path.is_file()):
                    raise ConfigError(
                        f"{path} leads elsewhere, and a comparison writes and removes nothing there",
                        given=f"a symbolic link to {path.readlink()}" if path.is_symlink() else "no regular file",
                        allowed="files and folders of its own; the folder of the whole comparison may be a link",
                        hint="ganzoo compare --loss hinge,bce --seeds 3",
                    )


def measured_by(asked: Mapping[str, Any]) -> list[ConfigLayer]:
    """What says by what runs are measured, of :meth:`Definition.plain`: options that are set, then names."""
    options = {path: value for path, value in asked["settings"].items() if path.partition(".")[0] in MEASURING}
    named = {section: asked[section] for section in MEASURING if asked[section]}
    layers = [ConfigLayer("--set", options), ConfigLayer("--metric", flatten(named))]
    return [layer for layer in layers if layer.values]


def find_same(folder: Path, asked: Mapping[str, Any], cells: Sequence[Cell]) -> Comparison | None:
    """The newest comparison in a folder that was asked the same, of the same data."""
    found = sorted((path for path in folder.glob("*") if (path / FILE).exists()), key=run_number, reverse=True)
    same = next((one for one in _readable(found) if one.asked == asked), None)
    if same is not None and {one.name: one.data for one in same.cells} != {one.name: one.data for one in cells}:
        logger.warning("the data have changed since %s, so a new comparison begins", same.path)
        return None
    return same


def _readable(folders: Sequence[Path]) -> Iterator[Comparison]:
    """The comparisons in folders; a damaged one must not stop a new one."""
    for folder in folders:
        try:
            yield Comparison.read(folder)
        except ConfigError as error:
            logger.warning("%s is left out: %s", folder, error.message)


def as_folder(name: str) -> str:
    """A name as that of a folder: ``hinge+patchgan-sn``."""
    return re.sub(r"[^A-Za-z0-9._+=-]+", "-", name.replace(" + ", "+")).strip("-.")[:120] or "cell"
