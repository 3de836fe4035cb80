from __future__ import annotations

import math

import pytest
from example_scripts import load, run
from PIL import Image

import ganzoo
from ganzoo.errors import ConfigError

TINY = {
    "loss": {"name": "wgan-gp"},
    "discriminator": {"name": "patchgan-sn", "ndf": 2},
    "generator": {"name": "dcgan", "ngf": 2, "latent": 3},
    "data": {"name": "digits", "image_size": 8},
    "train": {"steps": 4, "batch_size": 4, "n_critic": 1, "log_every": 1},
}


@pytest.fixture(scope="module")
def plot():
    return load("plot_metrics.py")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return ganzoo.run(TINY, out=tmp_path_factory.mktemp("runs"))


def test_a_run_becomes_a_picture(trained, tmp_path):
    done = run("plot_metrics.py", trained.path, "--out", "curves.png", cwd=tmp_path)
    # Not stderr: on a fresh machine matplotlib may say there that it looks for fonts.
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    with Image.open(tmp_path / "curves.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (1800, 540))
        assert len(picture.convert("RGB").getcolors(1800 * 540)) > 10


def test_a_missing_run_is_named_without_a_traceback(tmp_path):
    done = run("plot_metrics.py", "17", cwd=tmp_path)
    assert done.returncode == 1
    assert "there is no run '17'" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_drawn_are_the_rows_of_the_run(plot, trained):
    rows = trained.metrics()
    sheet = plot.figure(rows)
    lines = {}
    for panel in sheet.axes:
        curves = [line for line in panel.lines if len(line.get_xdata()) == len(rows)]
        for raw, smooth in zip(curves[::2], curves[1::2], strict=True):
            lines[panel.get_title(loc="left"), smooth.get_label()] = raw
    expected = {
        ("objective", "discriminator"): "d/total",
        ("objective", "generator"): "g/total",
        ("objective", "discriminator: adversarial"): "d/adversarial",
        ("objective", "discriminator: gradient penalty"): "d/gradient_penalty",
        ("mean logit", "real"): "logits/real",
        ("mean logit", "fake"): "logits/fake",
        ("gradient norm", "discriminator"): "grad_norm/d",
        ("gradient norm", "generator"): "grad_norm/g",
    }
    assert lines.keys() == expected.keys()
    for key, name in expected.items():
        assert list(lines[key].get_xdata()) == [1, 2, 3, 4]
        assert list(lines[key].get_ydata()) == [row[name] for row in rows]


def test_a_term_written_now_and_then_is_drawn_where_it_was_written(plot):
    names = ("d/total", "d/adversarial", "g/total", "logits/real", "logits/fake", "grad_norm/d", "grad_norm/g")
    rows = [{"step": step, **dict.fromkeys(names, 1.0)} for step in range(1, 5)]
    rows[2]["d/lazy"] = 3.0
    lines = {line.get_label(): line for line in plot.figure(rows).axes[0].lines}
    lazy = lines["discriminator: lazy"]
    assert (list(lazy.get_xdata()), list(lazy.get_ydata())) == ([3], [3.0])


def test_a_run_without_rows_is_an_error(plot):
    with pytest.raises(ConfigError, match="no metrics yet"):
        plot.figure([])


def test_smoothing_is_a_centered_mean_that_shrinks_at_the_ends(plot):
    assert plot.smoothed([0.0, 3.0, 6.0, 0.0, 9.0], 3) == [0.0, 3.0, 3.0, 5.0, 9.0]
    assert plot.smoothed([1.0, 2.0], 1) == [1.0, 2.0]
    assert plot.smoothed([1.0, math.nan, 3.0], 3) == [1.0, 2.0, 3.0]
