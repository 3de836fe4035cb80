"""Crops of scikit-image's photographs: where they come from, and what the splits share."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ganzoo_datasets import textures
from ganzoo_datasets.textures import Textures

from ganzoo.errors import ConfigError, DataError, PluginError

skimage = pytest.importorskip("skimage")


def load(*, split="train", image_size=None, channels=None, **options):
    return Textures(**{"n": 60, **options}).open(image_size=image_size, channels=channels, split=split, cache=None)


def everything(dataset):
    return dataset.read(torch.arange(len(dataset)))


def photographs(shrink):
    """scikit-image's own reading of the files, reduced."""
    from skimage import data

    stack = np.stack([getattr(data, name)() for name in ("brick", "grass", "gravel")]).astype(np.float64)
    side = 512 // shrink
    stack = stack[:, : side * shrink, : side * shrink]
    return stack.reshape(3, side, shrink, side, shrink).mean((2, 4))


def columns_of(crop, photograph):
    """All columns of the photograph at which the crop occurs."""
    side = crop.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(photograph, (side, side))
    fits = np.abs(windows[..., 0, :] - crop[0]).max(-1) <= 0.5
    return [int(x) for y, x in np.argwhere(fits) if np.abs(windows[y, x] - crop).max() <= 0.5]


def test_defaults():
    data = Textures().open(image_size=None, channels=None, split="train", cache=None)
    assert (len(data), data.spec.shape, data.spec.classes) == (4096, (1, 32, 32), ("brick", "grass", "gravel"))
    assert (data.groups, data.modes, data.labels.dtype) == (None, None, torch.int64)
    assert data.read(torch.tensor([4095])).dtype == torch.uint8


@pytest.mark.parametrize(("size", "shrink"), [(32, 1), (32, 2), (16, 3)])
@pytest.mark.parametrize("split", ["train", "test"])
def test_crops_are_cut_from_their_classes_photograph_and_their_splits_columns(size, shrink, split):
    data = load(split=split, image_size=size, shrink=shrink, n=12)
    originals = photographs(shrink)
    for crop, label in zip(everything(data)[:, 0].numpy().astype(np.float64), data.labels.tolist(), strict=True):
        found = columns_of(crop, originals[label])
        assert found
        if split == "train":
            assert any((x + size) * shrink <= 320 for x in found)
        else:
            assert any(x * shrink >= 320 for x in found)


def test_places_cover_the_region_of_a_split():
    data = load(n=6000)
    rows, columns = data._corners.T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 256 - 32, 0, 160 - 32)


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (64, 3), (96, 1), (97, 1), (192, 1)])
def test_any_size_and_channels(size, channels):
    data = load(image_size=size, channels=channels, n=3, split="all")
    images = everything(data)
    assert tuple(images.shape) == (6, *data.spec.shape) == (6, channels, size, size)
    assert torch.equal(images, images[:, :1].expand_as(images))


def test_crops_depend_on_options_and_index_alone():
    first, second = load(), load()
    assert first.fingerprint == second.fingerprint
    index = torch.tensor([7, 3, 3])
    assert torch.equal(first.read(index), everything(second)[index])
    both = load(split="all")
    assert torch.equal(everything(both), torch.cat([everything(first), everything(load(split="test"))]))


def test_fingerprint_tells_what_differs():
    variants = [{}, {"seed": 1}, {"n": 61}, {"shrink": 1}, {"image_size": 33}, {"channels": 3}, {"split": "test"}]
    assert len({load(**variant).fingerprint for variant in variants}) == len(variants)


def test_refusals():
    with pytest.raises(DataError, match="split"):
        load(split="val")
    for wrong in ({"image_size": 193}, {"image_size": 97, "shrink": 2}, {"shrink": 8}, {"channels": 2}):
        with pytest.raises(ConfigError, match="textures") as caught:
            load(**wrong)
        assert caught.value.hint == "--image-size 64 --set data.shrink=null --set data.channels=1"
        assert len(load(**wrong | {"image_size": 64, "shrink": None, "channels": 1}))


def test_without_scikit_image_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(PluginError, match="is not installed") as caught:
        load()
    assert "pip install 'ganzoo[textures]'" in str(caught.value)


def test_a_scikit_image_without_its_photographs_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(textures.resources, "files", lambda package: Path(tmp_path))
    with pytest.raises(PluginError, match=r"without brick\.png"):
        load()


def test_nothing_is_downloaded(monkeypatch):
    """The photographs are in the wheel, and are read without scikit-image's downloader."""

    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert len(load()) == 60
