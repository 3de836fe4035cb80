"""One checkpoint: a folder that appears whole, says what each of its files holds, and is believed in nothing else.

Run folders come from other people and other machines. So nothing is loaded but what the checkpoint's own list names,
from the very bytes that were compared with that list; a file that a computer leaves beside others
(``._ema.safetensors``) is never read, and neither is anything but a regular file.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import re
import shutil
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load, save_file
from torch import Tensor

from ganzoo.config.schema import MOST_ROLLBACKS
from ganzoo.files import flush_to_disk, writing
from ganzoo.regular import regular_bytes
from ganzoo.runs.shapes import LARGEST

NAME = re.compile(r"step-(\d{7}|[1-9]\d{7,})", re.ASCII)
"""What the folder of a checkpoint, and without its ending a grid, is called; with one more 0 it is somebody's copy."""
WRITTEN = ("step", "d_step", "images", "metrics_offset")
"""What every run notes: without it, rows would be lost, or training go on at another step."""
LIST, STATE, ENDING, GRID = "manifest.json", "state.json", ".safetensors", ".png"
COUNTERS = ("step", "d_step", "images", "metrics_offset", "rollbacks")
HASHED = 2**22
"""Bytes of a file that are hashed at a time."""
LONGEST_LIST = 2**20
"""Bytes: a list of six files has some 900."""

TensorFiles = dict[str, dict[str, Tensor]]


class DamagedError(Exception):
    """Why a checkpoint cannot be trusted."""


def is_named_as_ours(path: Path) -> bool:
    """Whether a checkpoint or a grid could be called so: what users put beside them is left alone."""
    return NAME.fullmatch(path.name.removesuffix(GRID)) is not None


def step_of(path: Path) -> int:
    """The step of a checkpoint ``step-0000500`` or a grid ``step-0000500.png``."""
    return int(path.stem.removeprefix("step-"))


def write_in_parts(folder: Path, tensors: Mapping[str, dict[str, Tensor]], state: Mapping[str, Any]) -> Iterator[None]:
    """Write a checkpoint beside its place, flush it to disk, then rename it: a part whenever the next one is asked for.

    Raises:
        ResourceError: it cannot be written.
    """
    beside = folder.with_name(f".{folder.name}.partial")
    needs = sum(tensor.nbytes for part in tensors.values() for tensor in part.values())
    with writing(folder, place="--runs DIR", needs=needs):
        for leftover in folder.parent.glob(".step-*.partial"):
            shutil.rmtree(leftover, ignore_errors=True)
        try:
            yield from _fill(beside, tensors, state)
            shutil.rmtree(folder, ignore_errors=True)
            beside.rename(folder)
        except BaseException:  # on a full disk, what is left of it is the space that the rest of the run needs
            shutil.rmtree(beside, ignore_errors=True)
            raise
        flush_to_disk(folder.parent)


def _fill(folder: Path, tensors: Mapping[str, dict[str, Tensor]], state: Mapping[str, Any]) -> Iterator[None]:
    folder.mkdir(parents=True)  # empty folders get lost where a run is copied or synchronized
    (folder / STATE).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    for name, part in tensors.items():
        save_file(part, folder / f"{name}{ENDING}")
        shutil.copymode(folder / STATE, folder / f"{name}{ENDING}")  # the library's are for their owner alone
        yield
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.iterdir()):
        files[path.name] = yield from _described(path)
    (folder / LIST).write_text(json.dumps({"files": files}, indent=2) + "\n", encoding="utf-8")
    for path in (*folder.iterdir(), folder):
        flush_to_disk(path)
        yield


def read(folder: Path) -> tuple[TensorFiles, dict[str, Any]]:
    """Tensors by file name without ending, and state.

    Raises:
        DamagedError: a file is missing, is none, or does not hold what the list says; or what it holds cannot be read.
    """
    tensors: TensorFiles = {}
    state: dict[str, Any] | None = None
    for name, described in _listed(folder).items():
        content = _content(folder / name, described)
        if name == STATE:
            state = _state(content, step_of(folder))
        else:
            tensors[name.removesuffix(ENDING)] = _tensors(name, content)
    if state is None:
        raise DamagedError(f"{LIST} does not list {STATE}")
    if missing := [key for key in WRITTEN if key not in state]:
        raise DamagedError(f"{STATE} does not say {', '.join(missing)}")
    return tensors, state


def score(folder: Path) -> float | None:
    """How good the generator was, where it was measured; a checkpoint that cannot be read was not."""
    try:
        state = _state(_content(folder / STATE, _listed(folder)[STATE]), step_of(folder))
        found = float(state["score"])
    except (DamagedError, KeyError, ValueError, TypeError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _listed(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Name of each file → its size and SHA-256, as the checkpoint says."""
    try:
        files = json.loads(regular_bytes(folder / LIST, at_most=LONGEST_LIST))["files"]
        listed: dict[str, Mapping[str, Any]] = {
            name: {"size": int(one["size"]), "sha256": str(one["sha256"])} for name, one in files.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise DamagedError(f"{LIST} cannot be read ({error})") from error
    for name in listed:
        if "\0" in name or (
            name != STATE and (Path(name).name != name or name.startswith(".") or not name.endswith(ENDING))
        ):
            raise DamagedError(f"{LIST} lists {name!r}, which is no file of a checkpoint")
    return listed


def _content(path: Path, described: Mapping[str, Any]) -> bytes:
    try:
        content = regular_bytes(path, at_most=described["size"])
    except FileNotFoundError as error:
        raise DamagedError(f"{path.name} is missing") from error
    except OSError as error:
        raise DamagedError(f"{path.name} cannot be read ({error.strerror or error})") from error
    if len(content) != described["size"] or hashlib.sha256(content).hexdigest() != described["sha256"]:
        raise DamagedError(f"{path.name} does not match its manifest")
    return content


def _tensors(name: str, content: bytes) -> dict[str, Tensor]:
    try:
        return load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise DamagedError(f"{name} cannot be read ({error})") from error


def _state(content: bytes, step: int) -> dict[str, Any]:
    try:
        state = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{STATE} cannot be read ({error})") from error
    if not isinstance(state, dict):
        raise DamagedError(f"{STATE} holds no mapping")
    if state.get("step", step) != step:
        raise DamagedError(f"{STATE} is of step {state['step']}")
    for key, value in state.items():
        if key in COUNTERS and not (type(value) is int and 0 <= value < LARGEST):
            raise DamagedError(f"{STATE} says that {key} is {value!r}, which is no count")
    if state.get("rollbacks", 0) > MOST_ROLLBACKS:
        raise DamagedError(f"{STATE} says that rollbacks is {state['rollbacks']}, and {MOST_ROLLBACKS} are possible")
    for key in ("config_hash", "data_fingerprint"):
        if not isinstance(state.get(key), str | None):
            raise DamagedError(f"{STATE} says that {key} is {state[key]!r}, which is no text")
    if not (type(seconds := state.get("seconds", 0.0)) in (int, float) and 0 <= seconds < LARGEST):
        raise DamagedError(f"{STATE} says that seconds is {seconds!r}, which is no time")
    return state


def _described(path: Path) -> Generator[None, None, dict[str, Any]]:
    digest = hashlib.sha256()
    # A block of its own: one among those that the steps use again and again would keep them from being joined.
    with path.open("rb", buffering=0) as file, mmap.mmap(-1, HASHED) as block, memoryview(block) as room:
        while size := file.readinto(room):
            digest.update(room[:size])
            yield
    return {"size": path.stat().st_size, "sha256": digest.hexdigest()}
