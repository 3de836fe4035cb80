"""``ganzoo evaluate``: runs, and pictures from any program."""

import io
import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from ganzoo.cli.evaluated import print_evaluation
from ganzoo.evaluation.judging import Judgment
from ganzoo.evaluation.value import Record, Value
from ganzoo.runs.evaluating import Evaluation
from ganzoo.screen import Screen

TINY = (
    "--data synthetic --image-size 8 --batch-size 4 --steps 2 --set data.n=16 --disc.ndf 2 --gen.ngf 2 --gen.latent 3"
)
DATA = "--data synthetic --set data.image_size=8 --set data.n=16"
METRIC = "--metric precision-recall --extractor random-conv --set metrics.precision-recall.neighbors=1"


@pytest.fixture
def run(ganzoo):
    assert ganzoo(f"run {TINY} --disc dcgan").code == 0
    return "runs/0001-hinge-dcgan-synthetic"


def test_samples_in_a_folder_have_the_values_of_their_run(ganzoo, run, tmp_path):
    """The same pictures by two ways: from the generator, and from files that it wrote."""
    by_run = ganzoo(f"evaluate {run} -n 12 {METRIC} --json").json
    assert ganzoo(f"sample {run} -n 12 --out made").code == 0
    by_folder = ganzoo(f"evaluate made -n 12 {DATA} {METRIC} --json").json
    assert [value["label"] for value in by_run["values"]] == ["precision[random-conv]@12", "recall[random-conv]@12"]
    for one, other in zip(by_run["values"], by_folder["values"], strict=True):
        assert one["value"] == pytest.approx(other["value"], abs=1e-6)
        assert one["floor"] == other["floor"]
        differing = {key for key in one["record"] if one["record"][key] != other["record"][key]}
        assert differing == {"ema", "batch_norm"}


def test_a_table_for_people_and_lines_in_the_folder_of_the_run(ganzoo, run, tmp_path):
    shown = ganzoo(f"evaluate 1 -n 12 {METRIC}")
    assert shown.code == 0
    assert "precision[random-conv]@12" in shown.out
    rows = [json.loads(line) for line in (tmp_path / run / "evaluations.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 2]


def test_progress_is_told_on_stderr_and_not_beside_json(ganzoo, run):
    shown = ganzoo(f"evaluate 1 -n 12 {METRIC}")
    assert "1 of 2: 12 samples\n2 of 2: precision-recall[random-conv]; about" in shown.err
    assert ganzoo(f"evaluate 1 -n 12 {METRIC} --json").err == ""


@pytest.mark.parametrize("place", ["judging.gather", "judging._Measurement._numbers", "reference.RealData.floor"])
@pytest.mark.parametrize("target", ["1", "made"])
def test_too_little_memory_is_no_bug(ganzoo, run, monkeypatch, target, place):
    """What torch raises where the system has no more: an error without a class of its own."""
    assert ganzoo(f"sample {run} -n 12 --out made").code == 0
    monkeypatch.setattr(f"ganzoo.evaluation.{place}", lambda *_, **__: torch.empty(2**58))
    told = ganzoo(f"evaluate {target} -n 12 {METRIC}" + ("" if target == "1" else f" {DATA}"))
    assert told.code == 6
    assert "out of memory while measuring" in told.err
    assert "-n N" in told.err


def test_the_newest_that_is_intact_is_measured_where_no_step_is_named(ganzoo, tmp_path):
    assert ganzoo(f"run {TINY} --disc dcgan --set train.checkpoint_every=1 --set train.keep=all").code == 0
    (damaged,) = tmp_path.glob("runs/0001-*/checkpoints/step-0000002/generator.safetensors")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    shown = ganzoo(f"evaluate 1 -n 12 {METRIC}")
    assert shown.code == 0
    assert shown.err.count("checkpoint step-0000002 skipped") == 1
    (rows,) = tmp_path.glob("runs/0001-*/evaluations.jsonl")
    assert {json.loads(line)["step"] for line in rows.read_text().splitlines()} == {1}
    named = ganzoo(f"evaluate 1 -n 12 --step 2 {METRIC}")
    assert named.code == 7
    assert "leave out --step" in named.err


@pytest.mark.parametrize("command", ["evaluate 1 -n 12", "sample 1 --out made"])
def test_checkpoints_that_are_gone_are_told_as_by_resume(ganzoo, run, tmp_path, command):
    shutil.rmtree(tmp_path / run / "checkpoints")
    shown = ganzoo(command)
    assert shown.code == 7
    assert "was trained to step 2, and its checkpoints are gone" in shown.err
    assert "--restart" in shown.err


def test_numbers_of_every_checkpoint(ganzoo, tmp_path):
    assert ganzoo(f"run {TINY} --set train.checkpoint_every=1 --set train.keep=all").code == 0
    shown = ganzoo(f"evaluate 1 -n 12 --step all {METRIC}")
    assert shown.code == 0
    precision, recall = shown.out.split("recall[random-conv]@12")
    assert precision.startswith("precision[random-conv]@12\nstep  higher is better  real data")
    assert [line.split()[0] for line in recall.splitlines()[2:4]] == ["1", "2"]
    assert "best" in recall


def test_several_runs_beside_each_other(ganzoo, run):
    assert ganzoo(f"run {TINY} --disc dcgan --seed 5").code == 0
    assert ganzoo(f"sample {run} -n 12 --seed 3 --out made").code == 0
    line = f"evaluate 1 2 made {DATA} -n 12 {METRIC}"
    shown = ganzoo(line)
    assert shown.code == 0, shown.err
    assert shown.out.startswith("precision[random-conv]@12\n")
    rows = shown.out.split("recall[random-conv]@12")[1].splitlines()[2:5]
    assert sorted(row.split()[0] for row in rows) == [
        "0001-hinge-dcgan-synthetic", "0002-hinge-dcgan-synthetic", "made",
    ]  # fmt: skip
    assert "a difference may be chance" in shown.out
    plain = ganzoo(f"{line} --json").json
    assert [one["label"] for one in plain["beside"]] == ["precision[random-conv]@12", "recall[random-conv]@12"]
    each = {target["target"].rpartition("/")[2]: target["values"] for target in plain["targets"]}
    for number, one in enumerate(plain["beside"]):
        assert {row["target"]: row["value"] for row in one["rows"]} == {
            name: values[number]["value"] for name, values in each.items()
        }
        best_first = sorted((row["value"] for row in one["rows"]), reverse=True)
        assert [row["value"] for row in one["rows"]] == best_first


def test_what_was_not_measured_alike_is_not_put_beside_each_other(ganzoo, run):
    assert ganzoo(f"sample {run} -n 9 --out made").code == 0
    shown = ganzoo(f"evaluate 1 made {DATA} -n 12 {METRIC}")
    assert shown.code == 2
    assert "(n: 12 and 9, n_real: 12 and 9)" in shown.err
    assert "not ranked together: precision[random-conv]@12" in shown.out
    assert ganzoo(f"run {TINY.replace('data.n=16', 'data.n=17')} --disc dcgan").code == 0
    other = ganzoo(f"evaluate 1 2 -n 12 {METRIC}")
    assert other.code == 2
    assert "learned from different data, so that their numbers are never ranked together" in other.err
    assert "evaluating" not in other.err, "it is refused before anything is measured"
    assert "one step each" in ganzoo("evaluate 1 2 --step all").err


def test_what_one_of_several_lacks_is_said_before_the_others_are_measured(ganzoo, run):
    assert ganzoo(f"run {TINY} --disc dcgan --seed 5".replace("--steps 2", "--steps 1")).code == 0
    for missing in ("evaluate 1 2 --step 2", "evaluate 1 2"):
        shown = ganzoo(f"{missing} -n 12 {METRIC}")
        assert re.search(
            r"run 0002-hinge-dcgan-synthetic (has no checkpoint of step 2|was trained to step 1)", shown.err
        )
        assert "evaluating" not in shown.err
        for folder in Path("runs/0002-hinge-dcgan-synthetic/checkpoints").iterdir():
            shutil.rmtree(folder)


def test_one_run_by_two_names_is_one_run(ganzoo, run):
    shown = ganzoo(f"evaluate 1 runs/0001-hinge-dcgan-synthetic -n 12 {METRIC}")
    assert shown.code == 0, shown.err
    assert "a difference may be chance" not in shown.out


@pytest.mark.parametrize("width", [60, 80])
def test_the_table_fits_a_terminal(monkeypatch, width):
    """With the longest labels there are; in a narrow one a label, and a heading, have two lines."""
    monkeypatch.setenv("COLUMNS", str(width))
    record = Record(
        metric="precision-recall", options={}, extractor="efficientnet-lite0", data="f", split="train",
        shape=(3, 32, 32), n=5000, n_real=5000, ganzoo="0",
    )  # fmt: skip
    made = {"better": "higher", "record": record, "floor": 0.9123, "floor_of": "5,000 of test"}
    values = tuple(Value(key=key, value=0.81234, spread=0.0123, **made) for key in ("precision", "coverage"))
    screen = Screen()
    screen.file = io.StringIO()
    evaluation = Evaluation(target=Path("run"), judgments={None: Judgment(values=values, failed={})})
    print_evaluation(screen, evaluation)
    lines = [line.rstrip() for line in screen.file.getvalue().splitlines()]
    table = lines[: lines.index("real data: the same number with 5,000 of test in place of generated data")]
    assert max(map(len, table)) <= width
    number = "0.8123 ± 0.012 higher 0.9123"
    rows = [" ".join(line.split()) for line in table[1:]]
    if width == 60:
        rest = "[efficientnet-lite0]@5000"
        assert rows == ["value better data", f"precision {number}", rest, f"coverage {number}", rest]
    else:
        assert rows == [f"{key}[efficientnet-lite0]@5000 {number}" for key in ("precision", "coverage")]


def test_other_metrics_than_those_that_chose_the_checkpoints(ganzoo):
    """``train.keep=best`` needs a metric of the training, and none of an evaluation."""
    assert ganzoo(f"run {TINY} {METRIC} --set eval.n=12 --set train.keep=best").code == 0
    shown = ganzoo("evaluate 1 -n 12 --extractor random-conv")
    assert shown.code == 0, shown.err
    assert "fd[random-conv]@12" in shown.out


def test_a_folder_of_fewer_pictures_than_are_asked_for_says_so(ganzoo, run):
    assert ganzoo(f"sample {run} -n 12 --out made").code == 0
    shown = ganzoo(f"evaluate made -n 5000 {DATA} {METRIC}")
    assert "made holds 12 pictures, and all of them are used: 5,000 were asked for" in shown.err
    assert "precision[random-conv]@12" in shown.out
    assert "the metrics want up to" in ganzoo(f"evaluate made {DATA} {METRIC}").err
    assert "pictures, and all" not in ganzoo(f"evaluate made -n 12 {DATA} {METRIC}").err


def test_what_has_no_classes_is_named_where_the_data_have_some(ganzoo, run):
    assert ganzoo(f"sample {run} -n 4 --out made").code == 0
    shown = ganzoo(f"evaluate made {DATA} --metric downstream")
    assert "metric downstream needs labels of generated data, and the folder made has none" in shown.err
    assert "sort the pictures into folders that are called as the classes of the data" in shown.err
    shown = ganzoo(f"evaluate {run} --metric downstream")
    assert "train one that sees the classes: ganzoo run --disc acgan" in shown.err
    classes = f"run {TINY} --metric downstream --dry-run --disc"
    refused = ganzoo(f"{classes} dcgan")
    assert (refused.code, "generator dcgan has none" in refused.err) == (2, True)
    assert "--disc acgan" in refused.err
    assert ganzoo(f"{classes} acgan").code == 0, "the hint works"


def test_generated_classes_that_the_data_do_not_have(ganzoo, run, tmp_path):
    assert ganzoo(f"sample {run} -n 8 --out made/strange").code == 0
    assert ganzoo(f"sample {run} -n 8 --seed 1 --out made/others").code == 0
    shown = ganzoo(f"evaluate made -n 12 {DATA} {METRIC}")
    assert shown.code == 0
    assert "classes of the generated pictures are not those of the data" in shown.err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("evaluate {run} --step 7", 2, "has no checkpoint of step 7"),
        ("evaluate {run} --step last", 2, "--step last is not a step"),
        ("evaluate nothing", 2, "'nothing' is neither a run in runs/ nor a folder of pictures"),
        ("evaluate nothing", 2, "0001-hinge-dcgan-synthetic; or a folder or file of generated pictures"),
        ("evaluate nothing --runs elsewhere", 2, "list the runs with: ganzoo runs --runs elsewhere"),
        ("evaluate {run} --metric downstream", 2, "generator dcgan of run 0001-hinge-dcgan-synthetic has none"),
        ("evaluate runs", 2, "the real ones to compare them with are not named"),
        ("evaluate runs --data synthetic --step 1 --no-ema", 2, "for pictures there is no --step or --no-ema"),
        ("evaluate {run} --metric class-score --extractor random-conv", 2, "tells classes apart"),
        ("evaluate {run} --metric nothing", 2, "there is no metric"),
    ],
)
def test_mistakes(ganzoo, run, line, code, words):
    shown = ganzoo(line.format(run=run))
    assert shown.code == code
    assert words in shown.err


def test_a_file_of_weights_chooses_the_extractor_that_takes_one(ganzoo, run):
    shown = ganzoo(f"evaluate {run} --metric kernel-distance --weights gone.pth")
    assert shown.code in (2, 3), "the library or the file is missing"
    assert "extractor inception needs" in shown.err


def test_too_few_samples_for_a_metric_are_said_and_nothing_is_claimed(ganzoo, run):
    shown = ganzoo(f"evaluate {run} -n 3 --metric kernel-distance --extractor random-conv --json")
    assert shown.code == 1
    assert shown.json["values"] == []
    assert "needs at least 40" in shown.json["failed"]["kernel-distance[random-conv]"]


def test_data_that_moved_are_asked_for_by_their_new_place(ganzoo, tmp_path):
    from PIL import Image

    for number in range(20):
        path = tmp_path / "here" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), number * 12).save(path)
    small = "--image-size 8 --batch-size 4 --steps 1 --disc.ndf 2 --gen.ngf 2 --gen.latent 3"
    assert ganzoo(f"run --data here {small}").code == 0
    (tmp_path / "here").rename(tmp_path / "there")
    lost = ganzoo(f"evaluate 1 -n 12 {METRIC}")
    assert lost.code == 3
    assert "the data of run 0001-hinge-patchgan-sn-here are not where they should be" in lost.err
    assert lost.err.endswith("next:    ganzoo evaluate runs/0001-hinge-patchgan-sn-here --set data.path=PATH\n")
    assert ganzoo(f"evaluate 1 -n 12 {METRIC} --set data.path=there").code == 0


def test_a_held_out_split_that_cannot_be_read_is_told(ganzoo, tmp_path):
    from PIL import Image

    for split in ("train", "test"):
        for number in range(12):
            path = tmp_path / "set" / split / f"{number}.png"
            path.parent.mkdir(exist_ok=True, parents=True)
            Image.new("L", (8, 8), number * 12).save(path)
    (tmp_path / "set" / "test" / "3.png").write_bytes(b"not a picture")
    (tmp_path / "made").mkdir()
    for number in range(12):
        Image.new("L", (8, 8), number * 12).save(tmp_path / "made" / f"{number}.png")
    shown = ganzoo(f"evaluate made --data set -n 12 {METRIC}")
    assert shown.code == 0
    assert "split test cannot be read, so it does not count as held out" in shown.err
