"""Blobs: their modes are where the dataset says, and images are a function of options and index."""

from __future__ import annotations

import pytest
import torch
from ganzoo_datasets.synthetic import Synthetic
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganzoo.errors import ConfigError, DataError


def load(tmp_path=None, *, split="train", image_size=None, channels=None, **options):
    return Synthetic(**{"n": 64, **options}).open(image_size=image_size, channels=channels, split=split, cache=tmp_path)


def everything(dataset):
    return dataset.read(torch.arange(len(dataset)))


def places_and_hues(images):
    """(N, 5) as measured: center of mass in units of the side, and the color of the sum, its largest part 1."""
    weights = images.double()
    side = weights.shape[-1]
    pixels = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    light = weights.sum((1, 2, 3))
    x = (weights.sum((1, 2)) * pixels).sum(1) / light
    y = (weights.sum((1, 3)) * pixels).sum(1) / light
    hue = weights.sum((2, 3)).expand(-1, 3)
    return torch.cat([torch.stack([x, y], 1), hue / hue.amax(1, keepdim=True)], 1)


@pytest.mark.parametrize("modes", [2, 4, 8, 10])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [32, 45])
def test_every_image_is_of_the_mode_its_label_says(modes, channels, size):
    data = load(modes=modes, channels=channels, image_size=size)
    measured = places_and_hues(everything(data))
    nearest = torch.cdist(measured, data.modes).argmin(1)
    assert torch.equal(nearest, data.labels)
    # The jitter of the center, at most 0.04 along each axis, and rounding of the pixels.
    assert (measured - data.modes[data.labels])[:, :2].abs().max() < 0.045


def test_modes_are_evenly_populated_and_named():
    data = load(modes=5, n=100)
    assert data.spec.marginal == pytest.approx([0.2] * 5)
    assert data.spec.classes == ("mode-0", "mode-1", "mode-2", "mode-3", "mode-4")
    assert data.modes.shape == (5, 5)


def test_defaults():
    data = Synthetic().open(image_size=None, channels=None, split="train", cache=None)
    assert (len(data), data.spec.shape, len(data.modes)) == (4096, (3, 32, 32), 8)
    image = data.read(torch.tensor([4095]))
    assert (image.dtype, tuple(image.shape)) == (torch.uint8, (1, 3, 32, 32))
    assert image.max() > 150


@given(
    size=st.integers(4, 40),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
    index=st.lists(st.integers(0, 63), min_size=1, max_size=9),
)
def test_images_depend_on_options_and_index_alone(size, channels, seed, index):
    """Same images whatever is read together, and a fingerprint that says so."""
    first, second = (load(image_size=size, channels=channels, seed=seed) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert torch.equal(first.read(torch.tensor(index)), everything(second)[index])


def test_splits_are_other_draws_and_all_is_both():
    train, test, both = (load(split=split) for split in ("train", "test", "all"))
    assert not torch.equal(everything(train), everything(test))
    assert torch.equal(everything(both), torch.cat([everything(train), everything(test)]))
    assert torch.equal(both.labels, torch.cat([train.labels, test.labels]))


def test_fingerprint_tells_what_differs():
    variants = [{}, {"seed": 1}, {"modes": 7}, {"n": 65}, {"image_size": 33}, {"channels": 1}, {"split": "test"}]
    assert len({load(**variant).fingerprint for variant in variants}) == len(variants)


def test_large_images_take_no_memory_before_they_are_read():
    data = load(n=100_000, image_size=1024)
    assert tuple(data.read(torch.tensor([99_999])).shape) == (1, 3, 1024, 1024)


def test_refusals():
    with pytest.raises(DataError, match="split") as caught:
        load(split="val")
    assert "train, test, all" in str(caught.value)
    with pytest.raises(ConfigError, match="synthetic"):
        load(channels=2)
    with pytest.raises(ValidationError, match="every mode occurs"):
        Synthetic(modes=8, n=7)
