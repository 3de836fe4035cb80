"""``--tracker`` of ``ganzoo run`` and ``ganzoo resume``."""

import re

import pytest
import yaml
from ganzoo_trackers.tensorboard import TensorboardTracker
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

RUN = "runs/0001-hinge-patchgan-sn-synthetic"


def steps(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return [point.step for point in events.Scalars("d/total")]


def test_a_run_and_its_continuation(ganzoo, tiny, tmp_path):
    outcome = tiny("--tracker tensorboard --set train.log_every=1")
    assert (outcome.code, outcome.out) == (0, f"{RUN}\n")
    assert steps(tmp_path / RUN / "tensorboard") == [1, 2]
    assert ganzoo("resume --steps 3").code == 0
    assert steps(tmp_path / RUN / "tensorboard") == [1, 2], "a run does not remember its trackers"
    assert ganzoo(f"resume 1 --steps 4 --tracker tb --tracker.tensorboard.folder {tmp_path}/boards").code == 0
    assert steps(tmp_path / "boards" / RUN.partition("/")[2]) == [4]


def test_options_stand_beside_it_and_not_in_the_configuration(tiny, tmp_path):
    options = "--tracker.tensorboard.folder boards --set tracker.tensorboard.flush_secs=5 --set train.ema=null"
    assert tiny(f"--tracker tensorboard {options}").code == 0
    assert (tmp_path / "boards" / RUN.partition("/")[2]).is_dir()
    saved = yaml.safe_load((tmp_path / RUN / "config.yaml").read_text())
    assert "tracker" not in saved
    assert saved["train"]["ema"] is None
    assert tiny("").code == 0
    second = tmp_path / RUN.replace("0001", "0002")
    assert [path.name for path in second.iterdir() if path.name.startswith("tensor")] == []


def test_a_dry_run_names_them_and_starts_none(tiny, tmp_path):
    assert tiny("--tracker tensorboard --dry-run --json").json["trackers"] == ["tensorboard"]
    assert re.search(r"^trackers +tensorboard *$", tiny("--tracker tb --dry-run").out, re.MULTILINE)
    assert tiny("--dry-run --json").json["trackers"] == []
    assert "trackers" not in tiny("--dry-run").out
    assert list(tmp_path.iterdir()) == []


REFUSED = [
    ("--tracker tensorboar", "there is no tracker called 'tensorboar'; did you mean 'tensorboard'?"),
    ("--tracker hinge", "'hinge' is a loss, not a tracker"),
    ("--tracker.tensorboard.flush-secs 5", "tracker.tensorboard is set, but tracker tensorboard is not enabled"),
    ("--tracker tensorboard --tracker.tensorboard.flush-secs 0", "tracker.tensorboard.flush_secs = 0: must be gre"),
    ("--tracker tensorboard --set tracker.tensorboard.flush=5", "unknown key; did you mean 'flush_secs'?"),
    ("--set tracker=tensorboard", "next:    --tracker NAME\n"),
]


@pytest.mark.parametrize(("line", "complaint"), REFUSED)
def test_refusals_leave_nothing_behind(ganzoo, tiny, tmp_path, line, complaint):
    outcome = tiny(line)
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
    assert list(tmp_path.iterdir()) == []
    tiny()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    outcome = ganzoo(f"resume 1 --steps 3 {line}")
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_file_that_names_one(ganzoo, tmp_path):
    (tmp_path / "mine.yaml").write_text("tracker: {tensorboard: {flush_secs: 5}}\n")
    outcome = ganzoo("run --config mine.yaml")
    assert outcome.code == 2
    assert (
        "tracker (from file mine.yaml): unknown key; trackers are not part of the configuration: "
        "add one with --tracker NAME" in outcome.err
    )


@pytest.mark.parametrize(("before", "shown"), [("", False), ("--debug ", True)])
def test_where_it_failed_is_in_the_log_and_with_debug_on_the_screen(ganzoo, tmp_path, monkeypatch, before, shown):
    def broken(self, row):
        raise ValueError("no curve today")

    monkeypatch.setattr(TensorboardTracker, "log", broken)
    tiny = "--data synthetic --image-size 8 --batch-size 4 --steps 2 --disc.ndf 2 --gen.ngf 2 --set train.log_every=1"
    outcome = ganzoo(f"{before}run {tiny} --tracker tensorboard")
    assert (outcome.code, outcome.out) == (0, f"{RUN}\n")
    assert outcome.err.count("failed and will not receive any more data: ValueError: no curve today") == 1
    assert ("Traceback (most recent call last)" in outcome.err) == shown
    log = (tmp_path / RUN / "log.txt").read_text()
    assert log.count("Traceback (most recent call last)") == 1
    assert "in broken" in log


def test_resume_passes_over_what_ended_before_it_began(ganzoo, tiny, tmp_path):
    assert tiny().code == 0
    (tmp_path / RUN.replace("0001", "0002")).mkdir()
    outcome = ganzoo("resume --steps 3")
    assert (outcome.code, outcome.out) == (0, f"{RUN}\n")
    assert "is not a run directory: config.yaml is missing" in ganzoo("resume 2").err


def test_a_folder_that_cannot_be_written(tiny, tmp_path):
    (tmp_path / "boards").write_text("a file")
    outcome = tiny("--tracker tensorboard --tracker.tensorboard.folder boards")
    assert outcome.code == 4
    assert "tracker 'tensorboard' of ganzoo 0.1.0 cannot be started: " in outcome.err
    assert "or leave out --tracker tensorboard: metrics.jsonl is written anyway" in outcome.err
    assert list((tmp_path / "runs").glob("0*")) == []
