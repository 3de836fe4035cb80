"""When two runs are the same, bit by bit."""

from __future__ import annotations

import json
from pathlib import Path

from ganzoo.runs.directory import RunDirectory

SMALL = {
    "discriminator.ndf": 4,
    "generator.ngf": 4,
    "data.n": 24,
    "train.checkpoint_every": 7,
    "train.sample_every": 20,
    "train.log_every": 1,
    "runtime.threads": 1,
}
"""Settings of a run that is stopped between its checkpoints, and has a row for each step to wait for."""


def rows(path: Path) -> list[dict[str, float]]:
    """Metric rows without wall-clock figures."""
    lines = (path / "metrics.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if not key.startswith("time/")} for line in lines]


def assert_same_outcome(first: Path, second: Path) -> None:
    """Every tensor of the final checkpoint, every metric row, every sample grid."""
    folders = [RunDirectory(path).checkpoint_folders()[0] for path in (first, second)]
    assert folders[0].name == folders[1].name
    names = sorted(path.name for path in folders[0].glob("*.safetensors"))
    assert names == sorted(path.name for path in folders[1].glob("*.safetensors"))
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    assert rows(first) == rows(second)
    grids = [{path.name: path.read_bytes() for path in (run / "samples").glob("*.png")} for run in (first, second)]
    assert grids[0] == grids[1]
