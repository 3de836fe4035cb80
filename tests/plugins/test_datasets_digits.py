"""The digits that come along: content, split, sizes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import ganzoo_datasets
import numpy as np
import pytest
import torch
from ganzoo_datasets.digits import Digits

from ganzoo.errors import ConfigError, DataError

FOLDER = Path(ganzoo_datasets.__file__).parent
# scikit-learn's own description of the table gives no counts; these are UCI's for the test set.
PER_DIGIT = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def load(tmp_path, split="train", image_size=None, channels=None):
    return Digits().open(image_size=image_size, channels=channels, split=split, cache=tmp_path)


def everything(dataset):
    return dataset.read(torch.arange(len(dataset)))


def test_the_file_is_the_published_set():
    with np.load(FOLDER / "digits.npz", allow_pickle=False) as file:
        images, labels, train = file["images"], file["labels"], file["train"]
    assert (images.shape, images.dtype, images.min(), images.max()) == ((1797, 8, 8), np.uint8, 0, 16)
    assert np.bincount(labels).tolist() == PER_DIGIT
    # The first image of the table, a zero.
    assert images[0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert images[0, 3].tolist() == [0, 4, 12, 0, 0, 8, 8, 0]
    assert labels[:10].tolist() == list(range(10))
    assert train.dtype == bool


def test_license_and_attribution_come_along():
    text = (FOLDER / "digits.LICENSE.txt").read_text(encoding="utf-8")
    assert all(words in text for words in ("CC BY 4.0", "Alpaydin", "Kaynak", "10.24432/C50P49", "Changes"))


def test_splits_divide_every_class_four_to_one(tmp_path):
    train, test = (load(tmp_path, split) for split in ("train", "test"))
    assert (len(train), len(test), len(load(tmp_path, "all"))) == (1438, 359, 1797)
    for digit, count in enumerate(PER_DIGIT):
        assert int((train.labels == digit).sum()) == round(0.8 * count)
        assert int((test.labels == digit).sum()) == count - round(0.8 * count)


def test_splits_share_no_image(tmp_path):
    seen = [{image.numpy().tobytes() for image in everything(load(tmp_path, part))} for part in ("train", "test")]
    assert seen[0].isdisjoint(seen[1])


def test_the_original_size_is_the_counts_scaled(tmp_path):
    with np.load(FOLDER / "digits.npz", allow_pickle=False) as file:
        counts = torch.from_numpy(file["images"]).double()
    shown = everything(load(tmp_path, "all", image_size=8))[:, 0].double()
    assert (shown - counts * 255 / 16).abs().max() <= 0.5


@pytest.mark.parametrize(("size", "channels"), [(None, None), (8, 3), (11, 1), (64, 3)])
def test_any_size_and_channels(tmp_path, size, channels):
    data = load(tmp_path, image_size=size, channels=channels)
    shape = (channels or 1, size or 32, size or 32)
    images = data.read(torch.tensor([0, 5, 5]))
    assert data.spec.shape == tuple(images.shape[1:]) == shape
    assert images.dtype == torch.uint8
    assert torch.equal(images, images[:, :1].expand_as(images))
    assert torch.equal(images[1], images[2])


def test_spec_names_ten_classes_and_their_frequencies(tmp_path):
    data = load(tmp_path)
    assert data.spec.classes == tuple("0123456789")
    assert data.spec.marginal == pytest.approx([round(0.8 * count) / 1438 for count in PER_DIGIT], abs=1e-12)
    assert (data.labels.dtype, data.groups, data.modes) == (torch.int64, None, None)


def test_enlarging_keeps_the_digit(tmp_path):
    """The mean over each block of 4×4 pixels is close to the original pixel."""
    small, large = (everything(load(tmp_path, image_size=size)).double() / 255 for size in (8, 32))
    blocks = torch.nn.functional.avg_pool2d(large, 4)
    assert (blocks - small).abs().mean() < 0.05


def test_fingerprint_tells_what_differs(tmp_path):
    variants = [{}, {"image_size": 16}, {"channels": 3}, {"split": "test"}]
    prints = [load(tmp_path, **variant).fingerprint for variant in variants]
    assert len(set(prints)) == len(variants)
    assert load(tmp_path).fingerprint == prints[0]


def test_refusals(tmp_path):
    with pytest.raises(DataError, match="split") as caught:
        load(tmp_path, "validation")
    assert "train, test, all" in str(caught.value)
    for wrong in ({"image_size": 7}, {"channels": 2}):
        with pytest.raises(ConfigError, match="digits"):
            load(tmp_path, **wrong)


def test_the_plugin_announces_its_datasets_without_torch_numpy_or_pillow():
    code = """
import json, sys
from ganzoo_datasets import ganzoo_components
names = [component.name for component in ganzoo_components()]
print(json.dumps([names, sorted({"torch", "numpy", "PIL"} & set(sys.modules))]))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == [
        ["digits", "grid", "pictures", "ring", "synthetic", "textures"],
        [],
    ]


def test_whoever_changes_what_was_read_changes_nobody_elses_data(tmp_path):
    """Enlarged pictures are kept between two openings."""
    first, second = (Digits().open(image_size=16, channels=1, split="test", cache=tmp_path) for _ in range(2))
    before = second.read(torch.arange(4)).clone()
    first.read(torch.arange(4)).zero_()
    first.labels.zero_()
    assert torch.equal(second.read(torch.arange(4)), before)
    assert second.labels.unique().tolist() == list(range(10))
    assert first.fingerprint == second.fingerprint
