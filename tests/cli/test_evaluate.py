"""``ganzoo evaluate``: runs, and pictures from any program."""

import json

import pytest

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


def test_numbers_of_every_checkpoint(ganzoo, tmp_path):
    assert ganzoo(f"run {TINY} --set train.checkpoint_every=1 --set train.keep=all").code == 0
    shown = ganzoo(f"evaluate 1 -n 12 --step all {METRIC}")
    assert shown.code == 0
    assert shown.out.count("recall[random-conv]@12") == 2
    assert "best" in shown.out


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
    assert "metric downstream needs generated data of known classes, and the folder made has none" in shown.err
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
