"""What ``ganzoo data`` does with pictures in a folder or an archive: decode them into the cache, draw a sheet of them.

Phases: ``folder``, ``zip`` and ``tar``; ``damaged``, where the cache holds an entry that was written to; and
``shared``, where another process asks for the same pictures as soon as this one has begun to decode them.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import time
from pathlib import Path

import torch
from PIL import Image

from ganzoo.config.layers import ConfigLayer
from ganzoo.evaluation import pictures
from ganzoo.evaluation.data_sheet import data_sheet
from ganzoo.planning.choice import choose
from ganzoo.planning.overview import look_at
from ganzoo.registry import Registry
from works.work import Found, a_day_later, digest, leftovers

PATIENCE = 60.0
"""Seconds that one process waits for another."""


class Met:
    """Six small pictures of two classes."""

    phases = ("folder", "zip", "tar", "damaged", "shared")

    def __init__(self) -> None:
        self._registry = Registry.load(plugins=False)
        self._data = Path()

    def warm(self, folder: Path) -> None:
        self._data = folder / "data"
        for number in range(6):
            path = self._data / "ab"[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (24, 20), (40 * number, 90, 7)).save(path)
        for form in ("zip", "tar"):
            shutil.make_archive(str(folder / "data"), form, self._data)
        for phase in ("folder", "zip", "tar"):
            self._look(folder / phase, phase)

    def prepare(self, folder: Path) -> None:
        self._look(folder / "damaged", "damaged")
        for pixels in (folder / "damaged" / "cache").rglob("pixels.u8"):
            pixels.write_bytes(pixels.read_bytes()[:-1])
        (folder / "damaged" / "sheet.png").unlink()

    def _look(self, folder: Path, phase: str) -> str:
        """What ``ganzoo data`` does; returns what was read."""
        os.environ["GANZOO_CACHE"] = str(folder / "cache")
        place = self._data.with_suffix(f".{phase}") if phase in ("zip", "tar") else self._data
        choice = choose(self._registry, [ConfigLayer("flag", {"data.name": str(place), "data.image_size": 16})])
        dataset, seen = look_at(choice)
        pictures.save(data_sheet(dataset, seen), folder / "sheet.png")
        pixels = dataset.read(torch.arange(len(dataset)))
        return hashlib.sha256(pixels.numpy().tobytes()).hexdigest()[:16]

    def meet(self, folder: Path, phase: str) -> None:
        (folder / "phase").symlink_to(phase)  # not counted, and never half
        if phase == "shared":
            self._another(folder)
        self._look(folder, phase)

    def _another(self, folder: Path) -> None:
        """Another process that asks for the same once a part of it is there, or whoever should write it is gone."""
        asker = os.getpid()
        if os.fork():
            return
        ctypes.CDLL(None).fault_release()
        os.closerange(3, 256)
        deadline = time.monotonic() + PATIENCE
        while os.getppid() == asker and not list(folder.rglob("*.partial")) and time.monotonic() < deadline:
            time.sleep(0.001)
        try:
            said = self._look(folder, "shared")
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        (folder / "another").symlink_to(said)
        os._exit(0)

    def go_on(self, folder: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._phase(folder) == "shared" and not (folder / "another").is_symlink() and time.monotonic() < deadline:
            time.sleep(0.002)
        a_day_later(folder)
        self._look(folder, self._phase(folder))

    def _phase(self, folder: Path) -> str:
        return str((folder / "phase").readlink())

    def outcome(self, folder: Path) -> Found:
        read, shared = self._look(folder, self._phase(folder)), self._phase(folder) == "shared"
        entries = sorted((folder / "cache").rglob("entry.json"))
        return {
            "read": read,
            "another": str((folder / "another").readlink()) if shared else read,
            "sheet": digest(folder / "sheet.png"),
            "pixels": [digest(entry.with_name("pixels.u8")) for entry in entries],
            "left over": leftovers(folder),
        }
