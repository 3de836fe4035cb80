from __future__ import annotations

import json

import pytest
import torch
from example_scripts import load, run

import ganzoo

SMALL = ("--synthetic", 4, "--steps", 40, "--seeds", 2)


@pytest.fixture(scope="module")
def example():
    return load("classifier_comparison.py")


def test_it_compares_the_three_on_held_out_digits(tmp_path):
    done = run("classifier_comparison.py", "--gan-steps", 2, *SMALL, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(done.stdout)
    run_made = ganzoo.load_run(tmp_path / figures.pop("run"))
    assert (len(run_made.classes), run_made.config.data.split) == (10, "train")
    assert set(figures) == {"real", "synthetic", "both", "both - real"}
    # Samples of an untrained GAN teach nothing, real digits do: chance is 0.1.
    assert figures["synthetic"]["mean"] < 0.3 < figures["real"]["mean"]
    assert figures["both - real"]["mean"] == pytest.approx(figures["both"]["mean"] - figures["real"]["mean"])


def test_a_run_of_ones_own_and_the_table(tmp_path):
    config = {
        "discriminator": {"name": "acgan", "ndf": 4},
        "generator": {"name": "dcgan", "ngf": 4, "latent": 4},
        "data": {"name": "synthetic", "image_size": 8, "n": 32, "modes": 3},
        "train": {"steps": 1, "batch_size": 4},
    }
    made = ganzoo.run(config, out=tmp_path)
    done = run("classifier_comparison.py", "--run", made.path, "--real", 2, *SMALL, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[1:]] == [
        "real",
        "synthetic",
        "both",
        "both - real",
    ]


def test_a_run_without_classes_has_no_labels_to_train_on(tmp_path):
    config = {"data": {"name": "synthetic", "image_size": 8, "n": 8}, "train": {"steps": 1, "batch_size": 4}}
    made = ganzoo.run({**config, "discriminator": {"name": "patchgan-sn", "ndf": 2}}, out=tmp_path)
    done = run("classifier_comparison.py", "--run", made.path, cwd=tmp_path)
    assert done.returncode == 2
    assert "use --disc acgan" in done.stderr


def test_a_rare_class_counts_as_much_as_a_frequent_one(example):
    labels = torch.tensor([0] * 8 + [1] * 2)
    assert example.recall(torch.zeros(10, dtype=torch.long), labels) == 0.5
    assert example.recall(labels, labels) == 1.0
    assert example.recall(torch.tensor([0] * 4 + [1] * 5 + [0]), labels) == pytest.approx((4 / 8 + 1 / 2) / 2)


def test_the_interval_is_students(example):
    # s = 1, n = 3: half a width is t(0.975, 2)/√3.
    assert example.interval([1.0, 2.0, 3.0]) == pytest.approx({"mean": 2.0, "half_width": 4.302653 / 3**0.5}, rel=1e-3)


def test_differences_are_taken_seed_by_seed(example):
    figures = example.summary({"real": [0.1, 0.5], "synthetic": [0.0, 0.1], "both": [0.2, 0.6]})
    assert figures["both - real"] == pytest.approx({"mean": 0.1, "half_width": 0.0})


def test_so_many_of_each_class(example):
    labels = torch.tensor([0] * 5 + [1] * 2)
    kept = example.Labeled(torch.arange(7).reshape(7, 1, 1, 1), labels).of_each_class(3, seed=0)
    assert kept.labels.bincount().tolist() == [3, 2]
    assert all(labels[number] == label for number, label in zip(kept.images.flatten(), kept.labels, strict=True))
