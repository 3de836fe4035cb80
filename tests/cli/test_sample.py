"""``ganzoo sample``."""

import shutil

import filelock
import numpy as np
import pytest
from PIL import Image
from small_files import pictures

from ganzoo.cli.sample import folder_name
from ganzoo.runs.directory import RunDirectory


@pytest.fixture
def run(tiny):
    return tiny("--quiet").out.strip()


@pytest.fixture
def conditional(tiny):
    return tiny("--disc acgan --set data.modes=2 --quiet").out.strip()


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_one_picture_an_image(ganzoo, run, tmp_path):
    outcome = ganzoo("sample 1 -n 5 --out o")
    assert (outcome.code, outcome.out) == (0, "o\n")
    files = sorted((tmp_path / "o").iterdir())
    assert [path.name for path in files] == [f"{number:06d}.png" for number in range(5)]
    assert {pixels(path).shape for path in files} == {(8, 8, 3)}


def test_a_seed_gives_its_own_images_and_the_first_stay(ganzoo, run, tmp_path):
    for out, more in (("a", "-n 3"), ("b", "-n 5"), ("c", "-n 3 --seed 1")):
        assert ganzoo(f"sample {run} --out {out} {more}").code == 0
    a, b, c = ([pixels(path) for path in sorted((tmp_path / out).iterdir())] for out in "abc")
    assert all(np.array_equal(one, other) for one, other in zip(a, b[:3], strict=True))
    assert not any(np.array_equal(one, other) for one, other in zip(a, c, strict=True))


def test_a_grid_beside_them(ganzoo, run, tmp_path):
    outcome = ganzoo("sample 1 -n 4 --out o --grid deep/g.png --json")
    assert outcome.json == [f"o/00000{number}.png" for number in range(4)] + ["deep/g.png"]
    grid, first = pixels(tmp_path / "deep" / "g.png"), pixels(tmp_path / "o" / "000000.png")
    factor = grid.shape[0] // (2 * (8 + 2) + 2)
    assert np.array_equal(grid[2 * factor : 10 * factor : factor, 2 * factor : 10 * factor : factor], first)


def test_a_folder_for_each_class(ganzoo, conditional, tmp_path):
    ganzoo("sample 1 -n 8 --out o")
    assert {path.parent.name for path in (tmp_path / "o").glob("*/*.png")} <= {"mode-0", "mode-1"}
    assert len(list((tmp_path / "o").glob("*/*.png"))) == 8
    outcome = ganzoo(
        "run --data o --disc acgan --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2 --dry-run"
    )
    assert outcome.code == 0, outcome.err


def test_one_class(ganzoo, conditional, tmp_path):
    outcome = ganzoo(f"sample {conditional} -n 3 --class mode-1 --out o --json")
    assert outcome.json == [f"o/mode-1/00000{number}.png" for number in range(3)]


def test_the_average_and_the_last_generator_differ(ganzoo, run, tmp_path):
    ganzoo("sample 1 -n 1 --out a --ema")
    ganzoo("sample 1 -n 1 --out b --no-ema")
    assert not np.array_equal(pixels(tmp_path / "a" / "000000.png"), pixels(tmp_path / "b" / "000000.png"))


def test_an_earlier_step(ganzoo, tiny, tmp_path):
    tiny("--set train.checkpoint_every=1 --quiet")
    for out, more in (("first", "--step 1"), ("second", "--step 2"), ("newest", "")):
        assert ganzoo(f"sample 1 -n 1 --out {out} --grid {out}.png {more}").code == 0
    first, second, newest = (
        [pixels(path) for path in (tmp_path / out / "000000.png", tmp_path / f"{out}.png")]
        for out in ("first", "second", "newest")
    )
    assert all(np.array_equal(one, other) for one, other in zip(second, newest, strict=True))
    assert not any(np.array_equal(one, other) for one, other in zip(first, newest, strict=True))
    outcome = ganzoo("sample 1 --out o --step 3")
    assert outcome.code == 2
    assert "run 0001-hinge-patchgan-sn-synthetic has no checkpoint of step 3" in outcome.err
    assert "allowed: 1, 2\n  next:    --step 2\n" in outcome.err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1", "sample needs a place to write"),
        ("9 --out o", "there is no run '9'"),
        ("1 --out o --class 3", "was trained without classes, so it cannot be asked for one"),
        ("1 --out full", "folder full is not empty, and nothing is overwritten"),
        ("1 --out full/file", "full/file is a file, and a folder is needed"),
        ("1 --grid full/a.png", "full/a.png exists, and nothing is overwritten"),
        ("1 --grid g.png -n 1025", "a grid holds at most 1024 images"),
        ("1 --out o -n 0", "greater than or equal to 1"),
        ("1 --out o --seed -1", "greater than or equal to 0"),
    ],
)
def test_what_is_refused(ganzoo, run, tmp_path, line, complaint):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    (tmp_path / "full" / "a.png").write_text("mine")
    outcome = ganzoo(f"sample {line}")
    assert outcome.code == 2
    assert complaint in outcome.err
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "full"}
    assert (tmp_path / "full" / "file").read_text() == "mine"


def test_an_unknown_class(ganzoo, conditional):
    outcome = ganzoo("sample 1 --out o --class mode_1")
    assert outcome.code == 2
    assert "there is no class 'mode_1'; did you mean 'mode-1'?" in outcome.err
    assert "allowed: mode-0, mode-1\n  next:    --class mode-1\n" in outcome.err
    assert "allowed: mode-0, mode-1\n  next:    --class mode-0\n" in ganzoo("sample 1 --out o --class cat").err


def test_a_place_that_cannot_be_written(ganzoo, run, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = ganzoo("sample 1 --out file/o")
    assert outcome.code == 6
    assert "cannot write file/o" in outcome.err


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("nevus", "nevus"),
        ("basal cell", "basal cell"),
        ("basal/squamous", "basal%2Fsquamous"),
        ("..", "%2E%2E"),
        (".hidden", "%2Ehidden"),
        ("end.", "end%2E"),
        ("a\\b", "a%5Cb"),
    ],
)
def test_a_class_is_one_folder_whatever_its_name(tmp_path, name, folder):
    assert folder_name(name) == folder
    assert (tmp_path / folder_name(name)).resolve().parent == tmp_path.resolve()


def test_a_grid_is_named_as_a_png(ganzoo, run, tmp_path):
    outcome = ganzoo("sample 1 --grid g.jpg")
    assert outcome.code == 2
    assert "a grid is a PNG" in outcome.err
    assert "next:    --grid g.png" in outcome.err
    assert not (tmp_path / "g.jpg").exists()


def test_a_run_folder_on_another_machine_samples_without_its_data(ganzoo, tmp_path):
    pictures(tmp_path / "data")
    line = "run --data data --disc acgan --image-size 8 --batch-size 2 --steps 1 --disc.ndf 2 --gen.ngf 2 --quiet"
    run = ganzoo(line).out.strip()
    ganzoo(f"sample {run} -n 3 --out before")
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "usb").mkdir()
    (tmp_path / run).rename(tmp_path / "usb" / "copied")
    assert ganzoo("sample usb/copied -n 3 --out after").code == 0
    one, other = (
        {path.relative_to(tmp_path / out): path.read_bytes() for path in (tmp_path / out).rglob("*.png")}
        for out in ("before", "after")
    )
    assert len(one) == 3
    assert one == other


def test_a_run_before_its_first_checkpoint(ganzoo, tiny, tmp_path):
    """As it is while it trains, and once it has been killed."""
    run = tiny("--runs 'my runs' --set train.log_every=1 --quiet").out.strip()
    shutil.rmtree(tmp_path / run / "checkpoints")
    directory = RunDirectory(tmp_path / run)
    directory.write_manifest({**directory.read_manifest(), "status": "running", "step": 0})
    with filelock.FileLock(tmp_path / run / ".lock"), (tmp_path / run / "metrics.jsonl").open("ab") as metrics:
        metrics.write(b'{"step": 3, "d_st')  # a row that is being written
        metrics.flush()
        live = ganzoo(f"sample '{run}' --out o")
    assert live.code == 7
    name = "0001-hinge-patchgan-sn-synthetic"
    assert f"run {name} is being trained and has no checkpoint yet: the first is written at step 2" in live.err
    assert "at step 2 or a little later" in live.err
    assert f"next:    wait for step 2; until then, look at the grids in '{run}/samples'\n" in live.err
    killed = ganzoo(f"sample '{run}' --out o --step 1")
    assert killed.code == 7
    assert f"run {name} stopped before its first checkpoint" in killed.err
    hint = f"ganzoo resume '{run}'"
    assert f"next:    train it with: {hint}\n" in killed.err
    assert ganzoo(hint.removeprefix("ganzoo ")).code == 0
    assert ganzoo(f"sample '{run}' --out o").code == 0


def test_hints_keep_the_folder_of_runs(ganzoo, tiny, tmp_path):
    run = tiny("--runs there --quiet").out.strip()
    assert "next:    ganzoo sample 1 --runs there --grid samples.png\n" in ganzoo("sample 1 --runs there").err
    assert ganzoo("sample 1 --runs there --grid samples.png").code == 0
    assert "start a run with: ganzoo run --runs here; or use" in ganzoo("sample 1 --runs here --out o").err
    for weights in (tmp_path / run).glob("checkpoints/*/generator.safetensors"):
        weights.write_bytes(b"")
    again = f"ganzoo run --config {run}/config.yaml --runs there"
    assert f"start again with: {again}\n" in ganzoo("sample 1 --runs there --out o").err
    assert ganzoo(f"{again.removeprefix('ganzoo ')} --quiet").out.startswith("there/0002-")


@pytest.mark.parametrize(
    "line", ["sample 1 --out way", "sample 1 --grid way/g.png", "run --runs way --data digits --quiet"]
)
def test_a_file_in_the_way_is_called_one(ganzoo, run, tmp_path, line):
    (tmp_path / "way").write_text("mine")
    outcome = ganzoo(line)
    assert outcome.code != 0
    assert "way is a file" in outcome.err
    assert "space" not in outcome.err
    assert (tmp_path / "way").read_text() == "mine"


def test_a_run_that_is_not_there(ganzoo):
    for line in ("sample 99 --out o", "plot run 99", "resume 99"):
        assert "start a run with: ganzoo run; or use --runs DIR if your runs are in another folder" in ganzoo(line).err


def test_a_run_that_is_not_there_beside_those_that_are(ganzoo, run):
    for line in ("sample 99 --out o", "plot run 99", "resume 99"):
        error = ganzoo(line).err
        assert "allowed: 0001-hinge-patchgan-sn-synthetic\n" in error
        assert "next:    name one of these; or use --runs DIR" in error


def test_a_grid_of_several_classes_names_them(ganzoo, conditional):
    assert ganzoo("sample 1 -n 9 --grid all.png").code == 0
    assert ganzoo("sample 1 -n 9 --grid one.png --class mode-1").code == 0
    # A margin with names, and a row or two more than the three of a square.
    assert (
        pixels("all.png").shape[1] / pixels("all.png").shape[0]
        != pixels("one.png").shape[1] / pixels("one.png").shape[0]
    )
