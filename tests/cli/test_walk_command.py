"""``ganzoo walk``, and truncation on the command line."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo import load_run


@pytest.fixture
def run(tiny):
    return tiny("--quiet").out.strip()


@pytest.fixture
def conditional(tiny):
    return tiny("--disc acgan --set data.modes=2 --quiet").out.strip()


def frames(path):
    with Image.open(path) as film:
        shown = []
        for number in range(film.n_frames):
            film.seek(number)
            shown.append(np.asarray(film.convert("RGB")))
        return shown


@pytest.mark.parametrize("out", ["walk.gif", "deep/walk.webp"])
def test_an_endless_animation(ganzoo, run, tmp_path, out):
    outcome = ganzoo(f"walk 1 --out {out} --frames 8 -n 4 --fps 10")
    assert (outcome.code, outcome.out) == (0, f"{out}\n")
    with Image.open(tmp_path / out) as film:
        assert (film.format, film.n_frames, film.info["loop"]) == (out.rpartition(".")[2].upper(), 8, 0)
        film.seek(1)
        film.load()
        assert film.info["duration"] == 100
    shown = frames(tmp_path / out)
    assert all((one != other).any() for one, other in pairwise(shown))


def test_the_average_and_the_seed_make_a_difference(ganzoo, run, tmp_path):
    ganzoo("walk 1 --out a.gif --frames 4 -n 1")
    ganzoo("walk 1 --out b.gif --frames 4 -n 1 --no-ema")
    ganzoo("walk 1 --out c.gif --frames 4 -n 1 --seed 1")
    a, b, c = (frames(tmp_path / f"{name}.gif")[0] for name in "abc")
    assert (a != b).any()
    assert (a != c).any()


def test_classes_are_named_above_the_frames(ganzoo, conditional, tmp_path):
    ganzoo("walk 1 --out both.gif --frames 4 -n 1")
    ganzoo("walk 1 --out one.gif --frames 4 -n 1 --class mode-1")
    lines = [frame[:20] for frame in frames(tmp_path / "both.gif")]
    assert np.array_equal(lines[0] < 64, lines[1] < 64)
    assert not np.array_equal(lines[0] < 64, lines[2] < 64)
    for line in (frame[:20] for frame in frames(tmp_path / "one.gif")):
        assert np.array_equal(line < 64, lines[2] < 64)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("walk 1 --out a.mp4", "a walk is a GIF or WebP animation, and a.mp4 is named otherwise"),
        ("walk 1 --out mine.gif", "mine.gif exists, and nothing is overwritten"),
        ("walk 1 --out a.gif --class 3", "was trained without classes, so it cannot be asked for one"),
        ("walk 1 --out a.gif --frames 2", "a walk through 4 stops needs a frame for each"),
        ("walk 1 --out a.gif --fps 51", "less than or equal to 50"),
        ("walk 1 --out a.gif -n 0", "greater than or equal to 1"),
        ("walk 1 --out a.gif --truncation 0", "the truncation is out of range for this generator"),
        ("walk 9 --out a.gif", "there is no run '9'"),
        ("sample 1 --grid a.png --truncation -1", "the truncation is out of range for this generator"),
    ],
)
def test_what_is_refused(ganzoo, run, tmp_path, line, complaint):
    (tmp_path / "mine.gif").write_text("mine")
    outcome = ganzoo(line)
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "mine.gif"}
    assert (tmp_path / "mine.gif").read_text() == "mine"


def test_vectors_do_not_walk(ganzoo, tmp_path):
    line = "run --data ring --steps 1 --batch-size 4 --quiet --disc.width 4 --gen.width 4"
    assert ganzoo(line).code == 0
    outcome = ganzoo("walk 1 --out a.gif")
    assert outcome.code == 2
    assert "a walk shows images, and 0001-" in outcome.err
    assert ganzoo("sample 1 -n 9 --out o --truncation 0.5").code == 0


def test_truncation_makes_samples_less_varied_and_says_what_it_does(ganzoo, run):
    outcome = ganzoo("sample 1 --grid a.png --truncation 0.3")
    assert outcome.code == 0
    assert "truncation 0.3: latents are normal within ±ψ" in " ".join(outcome.err.split())
    whole, narrow = (load_run(run).sample(64, truncation=psi) for psi in (None, 0.3))
    assert narrow.float().std(0).mean() < 0.7 * whole.float().std(0).mean()


def test_a_style_is_moved_toward_its_mean(ganzoo, tiny):
    run = load_run(tiny("--gen stylegan --disc dcgan --quiet").out.strip())
    whole, half, none = (run.sample(16, truncation=psi) for psi in (1.0, 0.5, 0.0))
    assert torch.equal(whole, run.sample(16))
    assert none.float().std(0).max() == 0
    assert not torch.equal(half, whole)
    assert ganzoo("walk 1 --out a.gif --frames 4 -n 1 --truncation 0.5").code == 0


def test_a_uniform_prior_has_no_truncation(ganzoo, tmp_path):
    line = "run --data synthetic --image-size 8 --batch-size 4 --steps 1 --set data.n=16 --disc.ndf 2 --quiet"
    assert ganzoo(f"{line} --gen mlp --gen.width 4 --gen.prior uniform").code == 0
    outcome = ganzoo("sample 1 --grid a.png --truncation 0.5")
    assert (outcome.code, outcome.out) == (2, "")
    assert "the latents of this generator are not normal" in outcome.err
    assert not (tmp_path / "a.png").exists()
    assert ganzoo("walk 1 --out a.gif --frames 4 -n 1").code == 0
