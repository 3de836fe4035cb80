"""``ganzoo resume``."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from small_files import of_table


@pytest.fixture
def run(tiny):
    """A finished run of two steps."""
    return tiny("--quiet").out.strip()


def test_a_finished_run_is_left_alone_with_a_hint(ganzoo, run):
    outcome = ganzoo("resume")
    assert (outcome.code, outcome.out) == (0, f"{run}\n")
    assert f"{run} is finished. To train it further: ganzoo resume {run} --steps N" in outcome.err


@pytest.mark.parametrize(
    "word", ["", "1", "0001", "0001-hinge-patchgan-sn-synthetic", "runs/0001-hinge-patchgan-sn-synthetic"]
)
def test_a_run_by_any_word(ganzoo, run, tmp_path, word):
    outcome = ganzoo(f"resume {word} --steps 3 --json")
    assert outcome.json == {"path": run, "status": "finished", "step": 3}
    saved = yaml.safe_load((tmp_path / run / "config.yaml").read_text())
    assert saved["train"]["steps"] == 3


def test_what_may_change(ganzoo, run, tmp_path):
    outcome = ganzoo("resume --steps 4 --set train.sample_every=1 --runtime.threads 1 --precision bf16 --device cpu")
    assert outcome.code == 0, outcome.err
    saved = yaml.safe_load((tmp_path / run / "config.yaml").read_text())
    assert (saved["train"]["sample_every"], saved["runtime"]["threads"], saved["runtime"]["precision"]) == (
        1,
        1,
        "bf16",
    )
    assert (tmp_path / run / "samples" / "step-0000003.png").exists()


@pytest.mark.parametrize(
    "path", ["train.d_lr", "train.fakes", "train.updates", "loss.name", "seed", "trian.steps", "train.epochs"]
)
def test_what_may_not(ganzoo, run, tmp_path, path):
    before = (tmp_path / run / "config.yaml").read_text()
    outcome = ganzoo(f"resume --set {path}=1")
    assert outcome.code == 2
    assert f"error: resume cannot change {path}" in outcome.err
    assert "train.checkpoint_every, train.keep, train.rollbacks, eval.*, runtime.*\n" in outcome.err
    assert (tmp_path / run / "config.yaml").read_text() == before


def test_wrong_values(ganzoo, run):
    outcome = ganzoo("resume --steps 0 --precision fp16 --set runtime.devise=cpu")
    assert outcome.code == 2
    assert "3 problems" in outcome.err
    assert "runtime.devise (from --set): unknown key; did you mean 'device'?" in outcome.err


def test_nothing_points_to_what_cannot_change(ganzoo, run):
    for line in ("resume --help", "resume --set nothing"):
        outcome = ganzoo(line)
        assert "train.sample_every=100" in outcome.out + outcome.err
        assert "lr" not in re.findall(r"[a-z]+", outcome.out + outcome.err)


def test_the_folder_of_runs_by_its_new_name_and_its_old(ganzoo, tiny):
    run = tiny("--runs there --quiet").out.strip()
    assert run == "there/0001-hinge-patchgan-sn-synthetic"
    for step, flag in ((3, "--runs"), (4, "--out")):
        assert ganzoo(f"resume {flag} there --steps {step} --json").json["step"] == step
    assert "--out" not in ganzoo("resume --help").out + ganzoo("run --help").out


def test_no_runs(ganzoo):
    outcome = ganzoo("resume")
    assert outcome.code == 2
    assert "there are no runs in runs/" in outcome.err


def test_an_unknown_run(ganzoo, run):
    outcome = ganzoo("resume 9")
    assert outcome.code == 2
    assert "there is no run '9'" in outcome.err
    assert "0001-hinge-patchgan-sn-synthetic" in outcome.err


def test_a_run_on_pictures_from_another_folder(ganzoo, tmp_path, monkeypatch):
    (tmp_path / "cats").mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (80 * number, 0, 0)).save(tmp_path / "cats" / f"{number}.png")
    run = ganzoo("run --data cats --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2 --quiet").out.strip()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    outcome = ganzoo(f"resume {tmp_path / run} --steps 2 --json")
    assert outcome.json["step"] == 2


@pytest.fixture
def on_pictures(ganzoo, tmp_path):
    """A finished run of one step on pictures in the folder ``cats``."""
    noise = np.random.default_rng(0)
    (tmp_path / "cats").mkdir()
    for number in range(3):
        pixels = noise.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "cats" / f"{number}.png")
    outcome = ganzoo("run --data cats --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2 --quiet")
    return outcome.out.strip()


def test_data_may_have_moved(ganzoo, on_pictures, tmp_path):
    (tmp_path / "cats").rename(tmp_path / "animals")
    outcome = ganzoo("resume --set data.path=animals --steps 2 --json")
    assert outcome.json == {"path": on_pictures, "status": "finished", "step": 2}, outcome.err
    saved = yaml.safe_load((tmp_path / on_pictures / "config.yaml").read_text())
    assert saved["data"]["path"] == str(tmp_path / "animals")
    assert ganzoo("resume --steps 3 --json").json["step"] == 3, "the new place is remembered"


def test_a_table_and_its_pictures_may_have_moved_apart(ganzoo, tmp_path):
    of_table(tmp_path / "old")
    line = "run --data old/table.csv --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2 --quiet"
    assert ganzoo(line).code == 0
    (tmp_path / "old").rename(tmp_path / "pictures")
    (tmp_path / "pictures" / "table.csv").rename(tmp_path / "moved.csv")
    outcome = ganzoo("resume --set data.path=moved.csv --set data.root=pictures --steps 2 --json")
    assert outcome.json["step"] == 2, outcome.err


def test_data_that_are_gone_are_asked_for(ganzoo, on_pictures, tmp_path):
    (tmp_path / "cats").rename(tmp_path / "animals")
    for line, gone in (("resume --steps 2", "cats"), ("resume --steps 2 --data.path dogs", "dogs")):
        outcome = ganzoo(line)
        assert outcome.code == 3
        assert "the data of run 0001-hinge-patchgan-sn-cats are not where they should be" in outcome.err
        assert f"given:   data.path = {tmp_path / gone}\n" in outcome.err.replace(" dogs", f" {tmp_path / 'dogs'}")
        assert f"next:    ganzoo resume {on_pictures} --set data.path=PATH\n" in outcome.err


def test_other_data_in_another_place_are_refused(ganzoo, on_pictures, tmp_path):
    (tmp_path / "cats").rename(tmp_path / "dogs")
    Image.new("RGB", (8, 8), "red").save(tmp_path / "dogs" / "0.png")
    before = (tmp_path / on_pictures / "config.yaml").read_text()
    outcome = ganzoo("resume --set data.path=dogs --steps 2")
    assert outcome.code == 7
    assert f"the data at {tmp_path / 'dogs'} are not those that run 0001-hinge-patchgan-sn-cats" in outcome.err
    assert f"next:    ganzoo resume {on_pictures} --set data.path=PATH, or start a new run" in outcome.err
    assert (tmp_path / on_pictures / "config.yaml").read_text() == before
    new_run = outcome.err.rpartition("start a new run with: ganzoo ")[2]
    assert ganzoo(f"{new_run} --steps 1 --quiet").code == 0


def test_a_checkpoint_made_with_other_data_is_refused(ganzoo, on_pictures, tmp_path):
    """Whoever copies a checkpoint here cannot be found out by the manifest of this run."""
    for path in (tmp_path / on_pictures).glob("checkpoints/*"):
        state = json.loads((path / "state.json").read_text())
        (path / "state.json").write_text(json.dumps(state | {"data_fingerprint": "other"}))
        listed = json.loads((path / "manifest.json").read_text())
        content = (path / "state.json").read_bytes()
        listed["files"]["state.json"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        (path / "manifest.json").write_text(json.dumps(listed))
    outcome = ganzoo("resume --steps 2")
    assert outcome.code == 7
    assert "are not those that run 0001-hinge-patchgan-sn-cats was started with" in outcome.err


def test_data_without_a_place_have_none(ganzoo, run):
    outcome = ganzoo("resume --set data.path=cats --steps 3")
    assert outcome.code == 2
    assert "data.path" in outcome.err
    assert "resume cannot change" not in outcome.err


def test_no_checkpoint_that_verifies(ganzoo, run, tmp_path):
    for weights in (tmp_path / run).glob("checkpoints/*/generator.safetensors"):
        weights.write_bytes(b"")
    outcome = ganzoo("resume --steps 3")
    assert outcome.code == 7
    assert "no intact checkpoint" in outcome.err


def test_a_run_that_another_process_holds(ganzoo, run, tmp_path):
    import filelock

    with filelock.FileLock(tmp_path / run / ".lock"):
        outcome = ganzoo("resume --steps 3")
    assert outcome.code == 8
    assert "being trained by another process" in outcome.err


def test_the_manifest_keeps_who_decided_what(ganzoo, run, tmp_path):
    before = json.loads((tmp_path / run / "manifest.json").read_text())["origins"]
    assert ganzoo("resume --steps 3").code == 0
    assert json.loads((tmp_path / run / "manifest.json").read_text())["origins"] == before


def test_a_run_that_was_killed_after_its_last_checkpoint_is_finished(ganzoo, run, tmp_path):
    place = tmp_path / run / "manifest.json"
    record = json.loads(place.read_text())
    place.write_text(json.dumps({**record, "status": "running", "step": 0, "ended": None}))
    assert ganzoo("resume 1").code == 0
    after = json.loads(place.read_text())
    assert (after["status"], after["step"]) == ("finished", 2)


def ended_minutes(run):
    """The training time of a run so far."""
    (newest,) = sorted((Path(run) / "checkpoints").iterdir())[-1:]
    return json.loads((newest / "state.json").read_text())["seconds"] / 60


def test_time_ends_a_run_which_goes_on_with_more_of_it(ganzoo):
    ganzoo(
        "run --data synthetic --image-size 8 --batch-size 4 --set data.n=16 --disc.ndf 2 --gen.ngf 2 --gen.latent 3 "
        "--set train.minutes=0.0005"
    )
    ended = ganzoo("runs --json").json[0]
    assert (ended["status"], ended["steps"]) == ("finished", None)
    left_alone = ganzoo("resume 1")
    assert left_alone.err.count("is finished") == 1
    assert "--set train.minutes=0.001" in left_alone.err
    assert ganzoo(f"resume 1 --set train.minutes={ended_minutes(ended['path']) * 2}").code == 0
    assert ganzoo("runs --json").json[0]["step"] > ended["step"]
