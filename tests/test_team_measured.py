"""Several processes make the samples of metrics together: to the bit those of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from team_measured_process import COUNTS, SIZES

PROCESS = Path(__file__).with_name("team_measured_process.py")
pytestmark = pytest.mark.xdist_group("team measured")  # one process makes what they share


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Size → process → number of samples → what it found."""
    folder = tmp_path_factory.mktemp("measured")
    environment = os.environ | {"GANZOO_CACHE": str(folder / "cache")}
    subprocess.run([sys.executable, PROCESS, folder], check=True, timeout=240, env=environment)
    return {size: [torch.load(folder / f"{size}-{number}.pt") for number in range(size)] for size in SIZES}


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("size", SIZES[1:])
def test_samples_features_and_values_are_those_of_one_process(found, size, count):
    one, several = found[1][0][count], found[size][0][count]
    assert several["values"] == one["values"]
    assert {name.partition("@")[0] for name in one["values"]} >= {
        "metric/frechet-distance/fd[random-conv]",
        "metric/class-score/class_score[classifier]",
        "metric/ms-ssim/mean[classifier]",
    }
    for expected, shown in zip(one["shown"], several["shown"], strict=True):
        assert {name: len(rows) for name, rows in shown.items()} == dict.fromkeys(expected, count)
        assert all(torch.equal(rows, shown[name]) for name, rows in expected.items())


@pytest.mark.parametrize("size", SIZES)
def test_each_process_makes_its_part(found, size):
    """Once for most metrics; again whenever one of two spoils what it is shown, through one of two extractors."""
    parts = {1: [300], 3: [128, 128, 44]}[size]
    assert [of_process[300]["made"] for of_process in found[size]] == [5 * part for part in parts]
    assert [of_process[40]["made"] for of_process in found[size]] == [5 * 40, *[0] * (size - 1)]


def test_the_others_look_at_no_values(found):
    assert found[3][1][300]["values"] is None
    assert found[3][1][300]["shown"] == [{}, {}]
