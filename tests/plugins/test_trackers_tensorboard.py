"""Event files, read back by TensorBoard's own reader."""

from __future__ import annotations

import io
import json
import shutil
import time

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import ganzoo
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.protocols import TrackedRun
from ganzoo.registry import Registry
from ganzoo.runs import session as runs
from ganzoo.runs import tracking
from ganzoo.runs.directory import RunDirectory

TINY = {
    "discriminator": {"name": "patchgan-sn", "ndf": 2},
    "generator": {"name": "dcgan", "latent": 3, "ngf": 2},
    "data": {"name": "synthetic", "image_size": 8, "n": 16},
    "train": {"steps": 4, "batch_size": 4, "log_every": 1, "sample_every": 2, "checkpoint_every": 2},
}


def shown(folder):
    """What TensorBoard shows of a run."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    return events


def curves(events):
    """Name → step → values at that step."""
    found = {}
    for tag in events.Tags()["scalars"]:
        for point in events.Scalars(tag):
            found.setdefault(tag, {}).setdefault(point.step, []).append(point.value)
    return found


def expected(rows):
    names = {name for row in rows for name in row} - {"step"}
    return {name: {row["step"]: [np.float32(row[name])] for row in rows if name in row} for name in names}


def texts(events, name):
    return [(event.step, event.tensor_proto.string_val[0].decode()) for event in events.Tensors(f"{name}/text_summary")]


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    return ganzoo.run(TINY, out=tmp_path_factory.mktemp("runs"), trackers="tensorboard")


@pytest.fixture(scope="module")
def events(followed):
    return shown(followed.path / "tensorboard")


def test_a_curve_for_each_number_of_a_row(followed, events):
    assert {"d/total", "g/total", "images", "time/elapsed"} <= curves(events).keys()
    assert any(name.startswith("sigma/") for name in curves(events))
    assert curves(events) == expected(followed.metrics())


def test_every_grid_pixel_by_pixel(followed, events):
    grids = {image.step: Image.open(io.BytesIO(image.encoded_image_string)) for image in events.Images("samples")}
    assert list(grids) == [0, 2, 4]
    for step, grid in grids.items():
        with Image.open(followed.path / "samples" / f"step-{step:07d}.png") as written:
            assert np.array_equal(np.asarray(grid), np.asarray(written.convert("RGB")))


def test_gray_grids_and_scatter_plots(tmp_path):
    gray = {**TINY, "data": {"name": "digits", "image_size": 8}, "train": {"steps": 1, "batch_size": 4}}
    points = {"loss": "bce", "data": {"name": "ring", "n": 64}, "train": {"steps": 1, "batch_size": 4}}
    for config in (gray, points):
        run = ganzoo.run(config, out=tmp_path, trackers=["tensorboard"])
        images = shown(run.path / "tensorboard").Images("samples")
        for image in images:
            with Image.open(run.path / "samples" / f"step-{image.step:07d}.png") as written:
                assert (image.width, image.height) == written.size
        assert len(images) == 2


def test_the_configuration_and_how_it_ended(followed, events):
    [(step, text)] = texts(events, "config")
    assert step == 0
    assert all(line.startswith("    ") for line in text.splitlines()), "Markdown shows indented lines as they are"
    assert json.loads(text) == followed.config.model_dump(mode="json")
    assert texts(events, "status") == [(4, "finished")]


def resume(path, steps, *, restart=False):
    # The reader sorts event files by the second in their names.
    time.sleep(1.1)
    known = Registry.load()
    trackers = tracking.chosen(tracking.wanted(known, ["tensorboard"]))
    layers = [ConfigLayer("flag", flatten({"train": {"steps": steps}}))]
    console = Console(quiet=True)
    directory = RunDirectory(path)
    return runs.resume(known, directory, changes=layers, console=console, trackers=trackers, restart=restart)


@pytest.mark.parametrize("left", [2, 1, 0])
def test_steps_that_are_done_again_appear_once(tmp_path, followed, left):
    """As after ``kill -9`` with both checkpoints left, of steps 2 and 4, with the first of them, or with none."""
    path = tmp_path / "run"
    shutil.copytree(followed.path, path)
    for folder in RunDirectory(path).checkpoint_folders()[: 2 - left]:
        shutil.rmtree(folder)
    run = resume(path, 6, restart=left == 0)
    events = shown(path / "tensorboard")
    assert [row["step"] for row in run.metrics()] == [1, 2, 3, 4, 5, 6]
    assert curves(events) == expected(run.metrics())
    assert [image.step for image in events.Images("samples")] == [0, 2, 4, 6]


def test_a_folder_for_many_runs(tmp_path):
    train = {"steps": 1, "batch_size": 4, "log_every": 1}
    options = {"folder": tmp_path / "boards", "flush_secs": 1}
    for number in (1, 2):
        run = ganzoo.run({**TINY, "train": train}, out=tmp_path / "runs", trackers={"tensorboard": options})
        assert run.path.name.startswith(f"000{number}-")
        assert not (run.path / "tensorboard").exists()
        assert curves(shown(tmp_path / "boards" / run.path.name)) == expected(run.metrics())


def test_a_home_folder(monkeypatch, tmp_path, followed):
    monkeypatch.setenv("HOME", str(tmp_path))
    [chosen] = tracking.chosen(tracking.wanted(Registry.load(), {"tensorboard": {"folder": "~/boards"}}))
    tracker = tracking.started([chosen], lambda: tracked(followed))
    tracker.log({"step": 3, "d/total": 0.5})
    tracker.close("interrupted")
    events = shown(tmp_path / "boards" / followed.path.name)
    assert curves(events) == {"d/total": {3: [0.5]}}
    assert texts(events, "status") == [(3, "interrupted")]


def tracked(run):
    return TrackedRun(path=run.path, name=run.path.name, config={}, step=0)
