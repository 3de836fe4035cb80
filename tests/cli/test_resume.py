"""``ganzoo resume``."""

import json
import re

import pytest
import yaml


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


@pytest.mark.parametrize("path", ["train.d_lr", "loss.name", "seed", "trian.steps", "train.epochs"])
def test_what_may_not(ganzoo, run, tmp_path, path):
    before = (tmp_path / run / "config.yaml").read_text()
    outcome = ganzoo(f"resume --set {path}=1")
    assert outcome.code == 2
    assert f"error: resume cannot change {path}" in outcome.err
    assert "train.checkpoint_every, runtime.*\n" in outcome.err
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
    from PIL import Image

    (tmp_path / "cats").mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (80 * number, 0, 0)).save(tmp_path / "cats" / f"{number}.png")
    run = ganzoo("run --data cats --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2 --quiet").out.strip()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    outcome = ganzoo(f"resume {tmp_path / run} --steps 2 --json")
    assert outcome.json["step"] == 2


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
