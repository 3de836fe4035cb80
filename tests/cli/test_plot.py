"""``ganzoo plot``."""

import builtins
import sys

import pytest

pytest.importorskip("matplotlib")

from PIL import Image


@pytest.fixture
def run(tiny):
    return tiny("--loss wgan-gp --set train.n_critic=1 --set train.log_every=1 --quiet").out.strip()


def test_losses_side_by_side(ganzoo, tmp_path):
    outcome = ganzoo("plot losses bce logistic f-gan:divergence=kl --out losses.png --limit 2")
    assert (outcome.code, outcome.out) == (0, "losses.png\n")
    with Image.open(tmp_path / "losses.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height


def test_all_losses_unless_some_are_named(ganzoo, tmp_path):
    assert ganzoo("plot losses --out all.svg").code == 0
    assert (tmp_path / "all.svg").stat().st_size > 50_000


def test_a_run(ganzoo, run, tmp_path):
    outcome = ganzoo("plot run 1 --out curves.pdf")
    assert (outcome.code, outcome.out) == (0, "curves.pdf\n")
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")


def test_several_runs_over_each_other(ganzoo, tiny, run, tmp_path):
    other = tiny("--quiet").out.strip()
    outcome = ganzoo(f"plot run 1 {other} 0001 --out both.png")
    assert (outcome.code, outcome.out) == (0, "both.png\n")
    with Image.open(tmp_path / "both.png") as picture:
        assert picture.format == "PNG"
    assert not (tmp_path / run / "metrics.png").exists()


def test_several_runs_need_a_file(ganzoo, run, tiny, tmp_path):
    (tmp_path / "runs").rename(tmp_path / "experiments")
    outcome = ganzoo("plot run 1 2 --runs experiments")
    assert (outcome.code, outcome.out) == (2, "")
    assert "a plot of several runs needs a file" in outcome.err
    assert "ganzoo plot run 1 2 --runs experiments --out compared.png" in outcome.err


def test_its_own_picture_is_drawn_anew(ganzoo, run, tmp_path):
    for _ in range(2):
        outcome = ganzoo("plot run 1")
        assert (outcome.code, outcome.out) == (0, f"{run}/metrics.png\n")
    assert (tmp_path / run / "metrics.png").exists()


def test_nothing_of_the_users_is_overwritten(ganzoo, run, tmp_path):
    (tmp_path / "mine.png").write_text("mine")
    for line in ("plot losses bce --out mine.png", "plot run 1 --out mine.png"):
        outcome = ganzoo(line)
        assert outcome.code == 2
        assert "mine.png exists, and nothing is overwritten" in outcome.err
    assert (tmp_path / "mine.png").read_text() == "mine"


def test_the_folder_of_the_picture_must_exist(ganzoo, run, tmp_path):
    for line in ("plot losses bce --out deep/a.png", "plot run 1 --out deep/a.png"):
        outcome = ganzoo(line)
        assert (outcome.code, outcome.out) == (2, "")
        assert "there is no folder deep" in outcome.err
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("plot losses hing --out a.png", "there is no loss called 'hing'; did you mean 'hinge'?"),
        ("plot losses bce --out a.gif", "the suffix of a.gif"),
        ("plot losses bce --out a", "the suffix of a must be an image format"),
        ("plot losses f-gan:divergence=js --out a.png", "must be 'kl'"),
        ("plot run 7", "there is no run '7'"),
    ],
)
def test_errors(ganzoo, tmp_path, line, message):
    outcome = ganzoo(line)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert list(tmp_path.glob("a*")) == []


def test_a_run_that_has_written_nothing_yet(ganzoo, run, tmp_path):
    (tmp_path / run / "metrics.jsonl").unlink()
    outcome = ganzoo("plot run 1")
    assert outcome.code == 2
    assert "the run has not written any metrics yet" in outcome.err


def test_without_matplotlib_the_extra_is_named(ganzoo, run, monkeypatch):
    imported = builtins.__import__

    def without(name, *arguments, **more):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *arguments, **more)

    for name in [name for name in sys.modules if name.startswith("ganzoo.plotting")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    for line in ("plot losses bce --out a.png", "plot run 1"):
        outcome = ganzoo(line)
        assert outcome.code == 2
        assert "matplotlib, which is not installed" in outcome.err
        assert "pip install 'ganzoo[plot]'" in outcome.err
