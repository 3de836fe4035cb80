"""Ten thousand real photographs, where they are at hand."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import open_folder
from PIL import Image

ARCHIVE = Path(os.environ.get("GANZOO_TEST_DATA", "")) / "cifar10-jpeg.tar.gz"
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

pytestmark = pytest.mark.skipif(
    not os.environ.get("GANZOO_TEST_DATA") or not ARCHIVE.exists(),
    reason="GANZOO_TEST_DATA does not name a folder that holds cifar10-jpeg.tar.gz",
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar")
    with tarfile.open(ARCHIVE) as archive:
        members = [member for member in archive if member.name.removeprefix("./").startswith("test/")]
        archive.extractall(folder, members=members, filter="data")
    return folder / "test"


def test_ten_thousand_photographs(pictures):
    data = open_folder(pictures)
    assert (len(data), data.spec.shape, list(data.spec.classes)) == (10_000, (3, 32, 32), CLASSES)
    assert data.spec.marginal == (0.1,) * 10
    paths = sorted(pictures.rglob("*.jpg"))
    chosen = list(range(0, 10_000, 997))
    for row, image in zip(chosen, data.read(torch.tensor(chosen)), strict=True):
        with Image.open(paths[row]) as reference:
            assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(reference))
        assert CLASSES[data.labels[row]] == paths[row].parent.name
    assert open_folder(pictures).fingerprint == data.fingerprint
